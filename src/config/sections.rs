//! The sections of a configuration: one struct per TOML table.

use serde::{Deserialize, Serialize};

use super::choices::{DecayOn, LastBatch, Normalization, OptimizerKind, ScheduleKind, Split};

/// `[data]`: which images train, validate and test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// `"sample"` (the bundled images), `"cifar10"` or `"cifar100"` (from `wgrad data fetch`), or the folder of a data set.
    /// Default `"sample"`.
    pub source: String,
    /// Height and width in pixels that the files of a folder of images are scaled to, 8 to 256; other data sets have their
    /// own size. Default 32.
    pub size: u32,
    /// How validation images are taken out of the training images. Default `"stratified"`.
    pub split: Split,
    /// Share of the training images that validates, above 0 and below 1; unused where `train_count` is given or
    /// `split` is `"none"`. Default 0.2.
    pub validation: f64,
    /// Number of images that train, the rest validates, 1 to 100,000,000; wins over `validation`. Default: not given.
    pub train_count: Option<u32>,
    /// What happens to the images that do not fill an epoch's last batch. Default `"smaller"`.
    pub last_batch: LastBatch,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            source: "sample".into(),
            size: 32,
            split: Split::Stratified,
            validation: 0.2,
            train_count: None,
            last_batch: LastBatch::Smaller,
        }
    }
}

/// `[checkpoint]`: when the run's state is written, besides the end of each epoch. It changes no results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointConfig {
    /// After so many steps since the last one, 1 to 1,000,000,000. Default: not given.
    pub steps: Option<u32>,
    /// After so many minutes since the last one, 0 (never) to 100,000. Default 10.
    pub minutes: f64,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { steps: None, minutes: 10.0 }
    }
}

/// `[augment]`: what a training image goes through; validation and test images are only normalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Random crop: black border in pixels, out of which an image of the old size is cut, 0 (off) to 16. Default 4.
    pub pad: u32,
    /// Random horizontal flip of half of the images. Default true.
    pub flip: bool,
    /// How pixels are standardised. Default `"per_image"`.
    pub normalization: Normalization,
    /// Mean of red, green and blue for `"per_channel"`, pixels as 0..1, each 0 to 1. Default: that of the training
    /// images after the split.
    pub mean: Option<[f64; 3]>,
    /// Standard deviation of red, green and blue for `"per_channel"`, pixels as 0..1, each above 0 and at most 1.
    /// Default: that of the training images after the split.
    pub std: Option<[f64; 3]>,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self { pad: 4, flip: true, normalization: Normalization::PerImage, mean: None, std: None }
    }
}

/// `[optimizer]`: how gradients become updates, in PyTorch's terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The update rule. Default `"sgd"`.
    pub kind: OptimizerKind,
    /// Learning rate that the schedule starts from, above 0 and at most 100. Default 0.1.
    pub lr: f64,
    /// Share of the last update's velocity that is kept, at least 0 and below 1. Default 0.9.
    pub momentum: f64,
    /// Nesterov's look-ahead; takes a momentum above 0. Default false.
    pub nesterov: bool,
    /// Weight decay, 0 to 1, by PyTorch's convention: gradient += `weight_decay` * w. Keras' `l2(x)` adds
    /// x * sum(w^2) to the loss, whose gradient is 2x * w, so write twice x here. Default 1e-4.
    pub weight_decay: f64,
    /// The parameters that weight decay acts on. Default `"all"`.
    pub decay_on: DecayOn,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Sgd,
            lr: 0.1,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 1e-4,
            decay_on: DecayOn::All,
        }
    }
}

/// `[schedule]`: how the learning rate changes. Set by `epochs`; a cap by `steps` cuts it short, unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The shape. Default `"steps"`.
    pub kind: ScheduleKind,
    /// For `"steps"`: numbers of finished epochs (fractions allowed) at which the rate is multiplied by `gamma`,
    /// ascending, each above 0 and at most 1,000,000. Default [91, 136, 182].
    pub milestones: Vec<f64>,
    /// For `"steps"`: the factor at a milestone, above 0 and at most 1. Default 0.1.
    pub gamma: f64,
    /// Length of the linear rise from 0 at the start, in epochs (fractions allowed), 0 (none) to 1,000. Default 0.
    pub warmup_epochs: f64,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            kind: ScheduleKind::Steps,
            milestones: vec![91.0, 136.0, 182.0],
            gamma: 0.1,
            warmup_epochs: 0.0,
        }
    }
}

/// `[batchnorm]`: for every batch normalisation of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchNormConfig {
    /// Weight of the new batch in the running statistics, above 0 and at most 1, PyTorch's sense: Keras' and
    /// TensorFlow's momentum m is 1 - m here. Default 0.1.
    pub momentum: f64,
    /// Added to the variance under the root, above 0 and at most 1. Default 1e-5.
    pub eps: f64,
    /// Whether the last batch norm of each residual branch starts with gamma 0, so that every block starts as the identity
    /// (torchvision's name; Goyal et al. 2017, section 5.1). Default false.
    pub zero_init_residual: bool,
}

impl Default for BatchNormConfig {
    fn default() -> Self {
        Self { momentum: 0.1, eps: 1e-5, zero_init_residual: false }
    }
}

/// `[loss]`: softmax cross-entropy.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// Share of the target that is spread evenly over all classes, at least 0 and below 1. Default 0.
    pub label_smoothing: f64,
}
