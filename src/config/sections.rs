//! The sections of a configuration: one struct per TOML table.

use serde::{Deserialize, Serialize};

use super::choices::{LastBatch, Residence, Split, Tta};

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
    /// Where the images' bytes are; changes memory and speed, not results. Default `"auto"`.
    pub resident: Residence,
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
            resident: Residence::Auto,
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

/// `[evaluate]`: how the test images are judged, at the end of a run and by `wgrad eval`; validation sees plain images.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateConfig {
    /// Test-time augmentation: the views of an image whose logits are averaged. Default `"none"`.
    pub tta: Tta,
}
