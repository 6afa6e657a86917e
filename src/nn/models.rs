//! The models that `--model` names.

use super::{Builder, Network, ShortcutSite, Value};
use crate::kernels::Activation;
use crate::{Error, Result};

/// How a residual block changes its shape (He et al. 2015, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortcutOption {
    /// Every second pixel, zero channels on both sides; no parameters.
    A,
    /// 1x1 convolution of stride 2 and batch norm.
    B,
}

/// What a model is built with, besides its name.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Height, width and channels of an image.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// The activation at every site.
    pub activation: Activation,
    /// Shortcuts where the shape changes.
    pub option: ShortcutOption,
    /// Factor on the channels of every stage, at least 1 (Zagoruyko and Komodakis 2016, section 2: k).
    pub width: usize,
    /// Batch norm's momentum in PyTorch's sense.
    pub bn_momentum: f32,
    /// Batch norm's eps.
    pub bn_eps: f32,
    /// Whether the last batch norm of each residual branch starts with gamma 0.
    pub zero_init_residual: bool,
}

impl Settings {
    /// CIFAR-10 images, option A, PyTorch's batch norm.
    pub fn cifar10(activation: Activation) -> Self {
        let option = ShortcutOption::A;
        Self {
            input: [32, 32, 3],
            classes: 10,
            activation,
            option,
            width: 1,
            bn_momentum: 0.1,
            bn_eps: 1e-5,
            zero_init_residual: false,
        }
    }
}

/// Builds the model of this name: `resnet20`, `resnet32`, `resnet44`, `resnet56`, `resnet110`, `resnet1202` or any other
/// `resnet{6n+2}`.
///
/// # Errors
/// An unknown name, with what there is.
pub fn build(name: &str, settings: &Settings) -> Result<Network> {
    let depth = name.strip_prefix("resnet").and_then(|depth| depth.parse::<usize>().ok());
    match depth {
        Some(depth) if depth >= 8 && depth % 6 == 2 && depth <= 1202 => {
            resnet(name, (depth - 2) / 6, settings)
        }
        _ => Err(Error::usage(format!(
            "unknown model {name:?}: there are resnet20, resnet32, resnet44, resnet56, resnet110, resnet1202 \
             (any resnet{{6n+2}} from 8 to 1202)"
        ))),
    }
}

/// CIFAR ResNet v1 (He et al. 2015, section 4.2) with the names of the usual PyTorch checkpoints: three stages of `n`
/// blocks with 16, 32 and 64 channels, times the width.
fn resnet(name: &str, n: usize, settings: &Settings) -> Result<Network> {
    let (act, width) = (&settings.activation, settings.width);
    let mut b = Builder::new(name, settings.input, settings.classes)
        .batchnorm_constants(settings.bn_momentum, settings.bn_eps)
        .zero_init_residual(settings.zero_init_residual);
    let x = b.conv("conv1", b.image(), 16 * width, 3, 1, 1)?;
    let mut x = b.batchnorm("bn1", x, act, ShortcutSite::None)?;
    for (stage, channels) in [(1, 16), (2, 32), (3, 64)] {
        for block in 0..n {
            let stride = if stage > 1 && block == 0 { 2 } else { 1 };
            x = basic_block(&mut b, &format!("layer{stage}.{block}"), x, channels * width, stride, settings)?;
        }
    }
    let x = b.global_average_pool("pool", x)?;
    b.linear("linear", x, settings.classes)?;
    b.finish()
}

fn basic_block(
    b: &mut Builder,
    name: &str,
    x: Value,
    channels: usize,
    stride: usize,
    settings: &Settings,
) -> Result<Value> {
    let act = &settings.activation;
    let shortcut = if b.shape(x)[2] == channels && stride == 1 {
        ShortcutSite::Same(x)
    } else if settings.option == ShortcutOption::A {
        ShortcutSite::Padded(x)
    } else {
        let y = b.conv(&format!("{name}.shortcut.0"), x, channels, 1, stride, 0)?;
        let identity = Activation::identity();
        ShortcutSite::Same(b.batchnorm(&format!("{name}.shortcut.1"), y, &identity, ShortcutSite::None)?)
    };
    let y = b.conv(&format!("{name}.conv1"), x, channels, 3, stride, 1)?;
    let y = b.batchnorm(&format!("{name}.bn1"), y, act, ShortcutSite::None)?;
    let y = b.conv(&format!("{name}.conv2"), y, channels, 3, 1, 1)?;
    b.batchnorm(&format!("{name}.bn2"), y, act, shortcut)
}
