//! Flags of the commands that measure a training step.

use wgrad::Result;
use wgrad::config::{self, RunConfig};

use super::activation_help;
use super::tune::TuneArgs;

/// What is measured: the settings of a run, its defaults those of a configuration.
#[derive(clap::Args)]
pub(super) struct SubjectArgs {
    /// Model [default: resnet56]
    #[arg(long)]
    model: Option<String>,
    /// Activation, for example dropact:retain=0.95; --help lists them [default: relu]
    #[arg(long, value_name = "SPEC", long_help = activation_help())]
    activation: Option<String>,
    /// Images of a step [default: 128]
    #[arg(long)]
    batch: Option<u32>,
    /// Any other setting of a run, for example width=2 or option=b; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    pub(super) tune: TuneArgs,
}

impl SubjectArgs {
    /// The configuration, `steps` of it where they are given.
    pub(super) fn config(&self, steps: Option<u32>) -> Result<RunConfig> {
        let mut flags = toml::Table::new();
        for (key, value) in [("model", &self.model), ("activation", &self.activation)] {
            if let Some(value) = value {
                config::put(&mut flags, key, value.as_str());
            }
        }
        for (key, value) in [("batch", self.batch), ("steps", steps)] {
            if let Some(value) = value {
                config::put(&mut flags, key, i64::from(value));
            }
        }
        RunConfig::from_layers(None, &self.set, &flags)
    }
}
