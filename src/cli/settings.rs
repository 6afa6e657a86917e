//! Flags of the commands that train: what a run is made of.

use std::path::Path;

use wgrad::Result;
use wgrad::config::{self, RunConfig};

use super::activation_help;

#[derive(clap::Args)]
pub(super) struct SettingsArgs {
    /// Recipe: a name of `wgrad recipes`, or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) recipe: Option<String>,
    /// Data: `sample` (bundled with the program), `cifar10` or `cifar100` (from `wgrad data fetch`), or a folder: CIFAR's
    /// files, or train/ and test/ with a folder of images for each class
    #[arg(long, value_name = "NAME|DIR")]
    data: Option<String>,
    /// Model, for example resnet20 or resnet56
    #[arg(long)]
    model: Option<String>,
    /// Activation, for example relu or dropact:retain=0.95; --help lists them
    #[arg(long, value_name = "SPEC", long_help = activation_help())]
    activation: Option<String>,
    /// Passes over the training images
    #[arg(long)]
    pub(super) epochs: Option<u32>,
    /// Most optimizer steps, whatever the epochs
    #[arg(long)]
    steps: Option<u32>,
    /// Images of a step
    #[arg(long)]
    batch: Option<u32>,
    /// Seed of weights, masks, augmentation and order
    #[arg(long)]
    seed: Option<u32>,
    /// Weights to begin with: a safetensors file by PyTorch's names, or a checkpoint of wgrad's
    #[arg(long, value_name = "FILE.safetensors")]
    init: Option<String>,
    /// Any other setting, for example optimizer.lr=0.05; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// When a loss is no longer finite: stop, or rollback to the last checkpoint with half the learning rate
    #[arg(long, value_name = "stop|rollback")]
    on_nan: Option<String>,
}

impl SettingsArgs {
    /// What the command line's own flags say.
    pub(super) fn flags(&self) -> toml::Table {
        let mut flags = toml::Table::new();
        let words = [
            ("data.source", &self.data),
            ("model", &self.model),
            ("activation", &self.activation),
            ("init", &self.init),
            ("on_nan", &self.on_nan),
        ];
        for (key, value) in words {
            if let Some(value) = value {
                config::put(&mut flags, key, value.as_str());
            }
        }
        let numbers =
            [("epochs", self.epochs), ("steps", self.steps), ("batch", self.batch), ("seed", self.seed)];
        for (key, value) in numbers {
            if let Some(value) = value {
                config::put(&mut flags, key, i64::from(value));
            }
        }
        flags
    }

    /// The configuration: recipe, then `--set`, then flags.
    pub(super) fn config(&self) -> Result<RunConfig> {
        let config = RunConfig::from_layers(self.recipe.as_deref(), &self.set, &self.flags())?;
        if let Some(set) = self.set.iter().find(|set| set.trim_start().starts_with("schedule.milestones")) {
            config.refuse_past_the_end(&format!("--set {set}"))?;
        }
        Ok(config)
    }

    /// What a run of this configuration is called.
    pub(super) fn name(&self, config: &RunConfig) -> String {
        let stem = |path: &str| Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let activation = config.activation.split(".wgsl").next().unwrap_or_default();
        let activation = stem(activation.split(':').next().unwrap_or_default()).unwrap_or_default();
        self.recipe.as_deref().and_then(stem).unwrap_or_else(|| {
            let model = stem(config.model.trim_end_matches(".toml")).unwrap_or_default();
            format!("{model}-{activation}")
        })
    }
}
