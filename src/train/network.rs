//! From the configuration to what the layers below take.

use super::trainer::StepSettings;
use crate::config::{
    DecayOn, DropAt, DropConnectOn, DropConnectSamples, LastBatch, Normalization, RegularizeConfig,
    ResidualKind, RunConfig, Shortcut, Split,
};
use crate::data::Images;
use crate::data::split::SplitKind;
use crate::kernels::Activation;
use crate::kernels::augment::Normalize;
use crate::kernels::conv::{Choices, Precision};
use crate::kernels::optimizer::Sgd;
use crate::nn::models::{
    self, DropSite, Regularize, ResidualDrop, Settings, ShortcutOption, SiteDrop, WeightDrop,
};
use crate::nn::{Init, Network};
use crate::{Error, Result};

/// The configured model for images of this height, width and channels.
///
/// # Errors
/// An unknown model or activation.
pub fn build_network(config: &RunConfig, input: [usize; 3], classes: usize) -> Result<Network> {
    let settings = Settings {
        input,
        classes,
        activation: Activation::parse(&config.activation)?,
        option: match config.option {
            Shortcut::A => ShortcutOption::A,
            Shortcut::B => ShortcutOption::B,
        },
        width: config.width as usize,
        bn_momentum: config.batchnorm.momentum as f32,
        bn_eps: config.batchnorm.eps as f32,
        zero_init_residual: config.batchnorm.zero_init_residual,
        kernels: init(&config.weights.kernels)?,
        output: init(&config.weights.output)?,
        regularize: regularize(&config.regularize)?,
    };
    models::build(&config.model, &settings)
}

/// An initialiser by name; that of the model is none.
fn init(name: &str) -> Result<Option<Init>> {
    if name == "model" { Ok(None) } else { Init::parse(name).map(Some) }
}

fn regularize(config: &RegularizeConfig) -> Result<Regularize> {
    let site = match config.drop_at {
        DropAt::Block => DropSite::Block,
        DropAt::Head => DropSite::Head,
        DropAt::Activations => DropSite::Activations,
    };
    let drop = match config.drop.as_str() {
        "none" => None,
        spec => Some((SiteDrop::parse(spec)?, site)),
    };
    let survival = config.survival as f32;
    Ok(Regularize {
        drop,
        residual: match config.residual {
            ResidualKind::None => ResidualDrop::None,
            ResidualKind::StochasticDepth => ResidualDrop::StochasticDepth { survival },
            ResidualKind::ShakeDrop => ResidualDrop::ShakeDrop { survival },
        },
        dropconnect: (config.dropconnect > 0.0).then_some(WeightDrop {
            rate: config.dropconnect as f32,
            linear_only: config.dropconnect_on == DropConnectOn::Linear,
            gaussian: config.dropconnect_samples == DropConnectSamples::Gaussian,
        }),
    })
}

/// The configured precision.
pub fn precision(config: &RunConfig) -> Precision {
    match config.precision {
        crate::config::Precision::F32 => Precision::F32,
        crate::config::Precision::Mixed => Precision::Mixed,
    }
}

/// The configured split of the training images.
///
/// # Errors
/// A split by count without a count.
pub fn split_kind(config: &RunConfig) -> Result<SplitKind> {
    Ok(match config.data.split {
        Split::Stratified => SplitKind::Stratified { fraction: config.data.validation },
        Split::Head => {
            let missing = || {
                Error::usage("data.split = \"head\" needs data.train_count, the number of training images")
            };
            SplitKind::Head { train: config.data.train_count.ok_or_else(missing)? as usize }
        }
        Split::None => SplitKind::None,
    })
}

/// The configured step, for training on these of the images.
pub fn step_settings(config: &RunConfig, images: &Images, train: &[u32], choices: Choices) -> StepSettings {
    StepSettings {
        batch: config.batch as usize,
        eval_batch: config.eval_batch as usize,
        smaller_last: config.data.last_batch == LastBatch::Smaller,
        crop: config.augment.pad as usize,
        flip: config.augment.flip,
        normalize: normalize(config, images, train),
        label_smoothing: config.loss.label_smoothing as f32,
        sgd: Sgd {
            momentum: config.optimizer.momentum as f32,
            nesterov: config.optimizer.nesterov,
            scaled: false,
        },
        weight_decay: config.optimizer.weight_decay as f32,
        decay_kernels_only: config.optimizer.decay_on == DecayOn::Kernels,
        seed: config.seed,
        choices,
        loss_scale: config.loss_scale as f32,
        loss_scale_growth: config.loss_scale_growth,
    }
}

/// The configured normalisation; mean and standard deviation that are not given are those of the training images.
pub fn normalize(config: &RunConfig, images: &Images, train: &[u32]) -> Normalize {
    match config.augment.normalization {
        Normalization::PerImage => Normalize::PerImage,
        Normalization::PerChannel => {
            let (mean, std) = match (config.augment.mean, config.augment.std) {
                (Some(mean), Some(std)) => (mean, std),
                (mean, std) => {
                    let own = channel_statistics(images, train);
                    (mean.unwrap_or(own.0), std.unwrap_or(own.1))
                }
            };
            Normalize::PerChannel { mean: mean.map(|v| v as f32), std: std.map(|v| v as f32) }
        }
    }
}

fn channel_statistics(images: &Images, train: &[u32]) -> ([f64; 3], [f64; 3]) {
    let mut counts = [[0u64; 256]; 3];
    for &index in train {
        for pixel in images.image(index as usize).chunks_exact(3) {
            for (count, &byte) in counts.iter_mut().zip(pixel) {
                count[usize::from(byte)] += 1;
            }
        }
    }
    let moment = |count: &[u64; 256], f: &dyn Fn(f64) -> f64| {
        let total: u64 = count.iter().sum();
        count.iter().enumerate().map(|(byte, &n)| n as f64 * f(byte as f64 / 255.0)).sum::<f64>()
            / total.max(1) as f64
    };
    let mean = counts.map(|count| moment(&count, &|v| v));
    let mut std = [0.0; 3];
    for (channel, std) in std.iter_mut().enumerate() {
        *std = moment(&counts[channel], &|v| (v - mean[channel]).powi(2)).sqrt();
    }
    (mean, std)
}
