//! The models that `--model` names, a file for each family.

mod airbench;
mod described;
mod keras;
mod mlp;
mod names;
mod preactivation;
mod regularize;
mod resnet;

pub use names::FAMILIES;
pub use regularize::{DropSite, Regularize, ResidualDrop, SiteDrop, WeightDrop};

use super::{Builder, Init, Network};
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
    /// Shortcuts of the CIFAR ResNets where the shape changes.
    pub option: ShortcutOption,
    /// Factor on the channels of the CIFAR ResNets' stages, at least 1 (Zagoruyko and Komodakis 2016, section 2: k).
    pub width: usize,
    /// Batch norm's momentum in PyTorch's sense.
    pub bn_momentum: f32,
    /// Batch norm's eps.
    pub bn_eps: f32,
    /// Whether the last batch norm of each residual branch starts with gamma 0.
    pub zero_init_residual: bool,
    /// How weights start, where not as the model's authors did.
    pub kernels: Option<Init>,
    /// The same for the layer that gives the classes.
    pub output: Option<Init>,
    /// Layers that drop.
    pub regularize: Regularize,
}

impl Settings {
    /// CIFAR-10 images, option A, PyTorch's batch norm, no regulariser.
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
            kernels: None,
            output: None,
            regularize: Regularize::default(),
        }
    }

    /// A builder with these settings; `kernels` and `output` are how the model's weights start where nothing else is set.
    fn builder(&self, name: &str, kernels: Init, output: Init) -> Builder {
        let builder = Builder::new(name, self.input, self.classes)
            .batchnorm_constants(self.bn_momentum, self.bn_eps)
            .zero_init_residual(self.zero_init_residual)
            .initialisers(self.kernels.unwrap_or(kernels), self.output.unwrap_or(output));
        match self.regularize.dropconnect {
            Some(drop) => builder.dropconnect(drop.rate, drop.linear_only, drop.gaussian),
            None => builder,
        }
    }
}

/// The text of the file that a model's name is: one that ends in `.toml`.
///
/// # Errors
/// A file that cannot be read, or is no text.
pub fn file(name: &str) -> Result<Option<String>> {
    if !name.ends_with(".toml") {
        return Ok(None);
    }
    let path = std::path::Path::new(name);
    std::fs::read_to_string(path).map(Some).map_err(Error::io("read", path))
}

/// Builds the model of this name, of one of the [`FAMILIES`], or the one that a `.toml` file describes.
///
/// # Errors
/// An unknown name, with what there is; a setting that the model cannot take; what is wrong in the file.
pub fn build(name: &str, settings: &Settings) -> Result<Network> {
    if let Some(text) = file(name)? {
        return described::described(name, &text, settings);
    }
    let unknown = || names::unknown(name);
    let (family, numbers) = names::parse(name).ok_or_else(unknown)?;
    let blocks = |numbers: &[usize], step: usize, rest: usize| match *numbers {
        [depth, ..] if depth >= step + rest && depth % step == rest && depth <= 1202 => {
            Ok((depth - rest) / step)
        }
        _ => Err(unknown()),
    };
    match (family.as_str(), numbers.len()) {
        ("resnet", 1) => resnet::resnet(name, blocks(&numbers, 6, 2)?, settings),
        ("resnet_seed", 1) => preactivation::seed(name, blocks(&numbers, 6, 2)?, settings),
        ("resnet_v1_", 1) => keras::version1(name, blocks(&numbers, 6, 2)?, settings),
        ("resnet_v2_", 1) => keras::version2(name, blocks(&numbers, 9, 2)?, settings),
        ("wrn__", 2) if (1..=64).contains(&numbers[1]) => {
            preactivation::wide(name, blocks(&numbers, 6, 4)?, numbers[1], settings)
        }
        ("airbench", 1) if numbers[0] == 94 => airbench::airbench(name, 64, settings),
        ("airbench_", 1) if (1..=1024).contains(&numbers[0]) => {
            airbench::airbench(name, numbers[0], settings)
        }
        ("mlp", 0) => mlp::mlp(name, [20, 100], false, settings),
        ("mlp_bn", 0) => mlp::mlp(name, [20, 100], true, settings),
        ("mlp_x", 2) => mlp::mlp(name, [numbers[0], numbers[1]], false, settings),
        ("mlp_bn_x", 2) => mlp::mlp(name, [numbers[0], numbers[1]], true, settings),
        _ => Err(unknown()),
    }
}
