//! From the configuration to what the layers below take.

use super::normalize::{augment, normalize};
use super::optimizer::OptimizerSettings;
use super::trainer::StepSettings;
use crate::config::{
    DecayOn, DropAt, DropConnectOn, DropConnectSamples, L2, LastBatch, OptimizerConfig, OptimizerKind,
    Recompute, RegularizeConfig, ResidualKind, RunConfig, Shortcut, Split,
};
use crate::data::Images;
use crate::data::split::SplitKind;
use crate::kernels::Activation;
use crate::kernels::conv::{Choices, Precision};
use crate::kernels::optimizer::{Adam, AdamForm, Clip, RmsProp, Rule, Sgd, Treatment};
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
        Split::Random => match config.data.train_count {
            Some(train) => SplitKind::Random { train: train as usize },
            None => SplitKind::RandomShare { fraction: config.data.validation },
        },
        Split::None => SplitKind::None,
    })
}

/// The configured step, for training on these of the images.
pub fn step_settings(config: &RunConfig, images: &Images, train: &[u32], choices: Choices) -> StepSettings {
    StepSettings {
        batch: config.batch as usize,
        eval_batch: config.eval_batch as usize,
        smaller_last: config.data.last_batch == LastBatch::Smaller,
        augment: augment(&config.augment),
        mixup: config.augment.mixup,
        normalize: normalize(config, images, train),
        label_smoothing: config.loss.label_smoothing as f32,
        optimizer: OptimizerSettings {
            prunes: config.prune.share.is_some(),
            ..optimizer_settings(&config.optimizer)
        },
        seed: config.seed,
        choices,
        recompute: config.recompute == Recompute::Always,
        loss_scale: config.loss_scale as f32,
        loss_scale_growth: config.loss_scale_growth,
    }
}

/// The configured optimizer.
pub fn optimizer_settings(config: &OptimizerConfig) -> OptimizerSettings {
    let &OptimizerConfig { kind, momentum, nesterov, beta1, beta2, eps, psi, rho, .. } = config;
    let adam = |form| Rule::Adam(Adam { beta1, beta2, eps, form });
    let plain = if config.eps_hat { AdamForm::EpsilonHat } else { AdamForm::Corrected };
    let rule = match kind {
        OptimizerKind::Sgd => Rule::Sgd(Sgd { momentum, nesterov }),
        OptimizerKind::Adam | OptimizerKind::Adamw => adam(plain),
        OptimizerKind::Nadam => adam(AdamForm::Nadam { psi }),
        OptimizerKind::Rmsprop => Rule::RmsProp(RmsProp { rho, eps, momentum }),
    };
    let clip = match (config.clip_norm, config.clip_value) {
        (Some(most), _) => Clip::Norm(most as f32),
        (None, Some(most)) => Clip::Value(most as f32),
        (None, None) => Clip::None,
    };
    let decoupled = kind == OptimizerKind::Adamw;
    let doubled = if config.l2 == L2::Keras { 2.0 } else { 1.0 };
    OptimizerSettings {
        rule,
        treatment: Treatment { scaled: false, clip, decoupled, l1: config.l1 > 0.0 },
        weight_decay: (doubled * config.weight_decay) as f32,
        l1: config.l1 as f32,
        kernels_only: config.decay_on == DecayOn::Kernels,
        average: config.average,
        norm_bias_lr: config.norm_bias_lr as f32,
        prunes: false,
        steps_before: u64::from(config.steps_before),
    }
}
