//! The whole configuration of a run.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::augment::AugmentConfig;
use super::choices::{Monitor, OnNan, Precision, Recompute, Shortcut};
use super::merge;
use super::model::{RegularizeConfig, WeightsConfig};
use super::optimizer::OptimizerConfig;
use super::prune::PruneConfig;
use super::schedule::{EarlyStoppingConfig, ScheduleConfig};
use super::sections::{BatchNormConfig, CheckpointConfig, DataConfig, EvaluateConfig, LossConfig};
use crate::error::Result;

/// Everything that decides what a run computes. Two runs with equal configurations, on the same device and driver, end
/// in the same weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Name of the network, not empty. Default `"resnet56"`.
    pub model: String,
    /// Shortcut of the CIFAR ResNets where the number of channels changes. Default `"a"`.
    pub option: Shortcut,
    /// Factor on the channels of the CIFAR ResNets' stages (16, 32 and 64), 1 to 16. Default 1.
    pub width: u32,
    /// Activation SPEC, `name[:key=value,...]`, not empty. Default `"relu"`.
    pub activation: String,
    /// Key of every random number of the run: weights, split, order, augmentation, masks. Any 32-bit number. Default 0.
    pub seed: u32,
    /// Safetensors file with weights and running statistics to begin with, by PyTorch's names. Default: not given, the
    /// seed's own initial weights.
    pub init: Option<String>,
    /// Passes over the training images, 1 to 100,000. Default 200.
    pub epochs: u32,
    /// Stops after so many optimizer steps, 1 to 4,000,000,000. Default: not given, `epochs` alone decides.
    pub steps: Option<u32>,
    /// Images in one optimizer step, 1 to 65,536. Default 128.
    pub batch: u32,
    /// Images in one evaluation batch, 1 to 65,536; changes memory and speed, not results. Default 100.
    pub eval_batch: u32,
    /// The most MiB that a run may take on the device, 1 to 1,000,000. Default: not given, what the machine has left for
    /// software drivers, else what the driver gives.
    pub memory_limit: Option<u32>,
    /// Whether cheap values are computed once more in the backward pass; changes memory and speed, not results. Default `"auto"`.
    pub recompute: Recompute,
    /// What decides which epoch is best, when a plateau is reached and when to stop early. Default `"val_accuracy"`.
    pub monitor: Monitor,
    /// How exact the convolutions' products are. Default `"f32"`.
    pub precision: Precision,
    /// For `"mixed"`: what the loss is multiplied by at first, so that small gradients do not vanish in f16; a power of two from
    /// 1 to 16,777,216. Gradients are divided by it before they update anything, and a step whose gradients are not finite
    /// changes no weights. Default 65,536.
    pub loss_scale: f64,
    /// For `"mixed"`: good steps in a row after which the loss scale doubles, 1 to 1,000,000; after gradients that are not finite
    /// it is halved. 0 keeps it fixed. Default 2,000.
    pub loss_scale_growth: u32,
    /// What happens when a loss is no longer finite, or above 10,000. Default `"stop"`.
    pub on_nan: OnNan,
    /// Whether events for TensorBoard are written, to `tensorboard/` of the run folder. Default false.
    pub tensorboard: bool,
    /// When the run's state is written, besides the end of each epoch.
    pub checkpoint: CheckpointConfig,
    /// Which images train, validate and test.
    pub data: DataConfig,
    /// What a training image goes through.
    pub augment: AugmentConfig,
    /// How gradients become updates.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// Which weights become 0.
    pub prune: PruneConfig,
    /// When a run without progress ends.
    pub early_stopping: EarlyStoppingConfig,
    /// For every batch normalisation.
    pub batchnorm: BatchNormConfig,
    /// The loss.
    pub loss: LossConfig,
    /// How test images are judged.
    pub evaluate: EvaluateConfig,
    /// How weights start.
    pub weights: WeightsConfig,
    /// What drops.
    pub regularize: RegularizeConfig,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            model: "resnet56".into(),
            option: Shortcut::A,
            width: 1,
            activation: "relu".into(),
            seed: 0,
            init: None,
            epochs: 200,
            steps: None,
            batch: 128,
            eval_batch: 100,
            memory_limit: None,
            recompute: Recompute::Auto,
            monitor: Monitor::ValAccuracy,
            precision: Precision::F32,
            loss_scale: 65_536.0,
            loss_scale_growth: 2_000,
            on_nan: OnNan::Stop,
            tensorboard: false,
            checkpoint: CheckpointConfig::default(),
            data: DataConfig::default(),
            augment: AugmentConfig::default(),
            optimizer: OptimizerConfig::default(),
            schedule: ScheduleConfig::default(),
            prune: PruneConfig::default(),
            early_stopping: EarlyStoppingConfig::default(),
            batchnorm: BatchNormConfig::default(),
            loss: LossConfig::default(),
            evaluate: EvaluateConfig::default(),
            weights: WeightsConfig::default(),
            regularize: RegularizeConfig::default(),
        }
    }
}

impl RunConfig {
    /// Builds a checked configuration from its layers; later ones win.
    ///
    /// * `recipe`: an embedded recipe's name, or a TOML file (which may build on a recipe with `base = "NAME"`).
    /// * `sets`: `key=value` each, the key dotted, the value in TOML (bare words are text), `none` to unset.
    /// * `flags`: what the command line's own flags say, made with [`super::put`].
    ///
    /// # Errors
    /// An unknown recipe or key, a value of the wrong type or out of its range, an unreadable file.
    pub fn from_layers(recipe: Option<&str>, sets: &[String], flags: &toml::Table) -> Result<Self> {
        merge::build(recipe, sets, flags)
    }

    /// This configuration with other values for some keys: `sets` and `flags` as in [`RunConfig::from_layers`].
    ///
    /// # Errors
    /// As [`RunConfig::from_layers`].
    pub fn with(&self, sets: &[String], flags: &toml::Table) -> Result<Self> {
        merge::over(self, sets, flags)
    }

    /// Reads and checks the resolved configuration of a run folder (`config.toml`).
    ///
    /// # Errors
    /// As [`RunConfig::from_layers`].
    pub fn from_file(path: &Path) -> Result<Self> {
        merge::from_file(path)
    }

    /// Parses and checks TOML text; `origin` names it in error messages.
    ///
    /// # Errors
    /// As [`RunConfig::from_layers`].
    pub fn from_toml(text: &str, origin: &str) -> Result<Self> {
        merge::from_text(text, origin)
    }

    /// The fully resolved configuration as TOML, every key with its value; [`RunConfig::from_toml`] gives it back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("numbers, words and lists always have a TOML form")
    }
}
