//! `wgrad profile`

use wgrad::Result;
use wgrad::config::RunConfig;
use wgrad::measure::profile::profile;

use super::{Context, activation_help};

#[derive(clap::Args)]
pub(super) struct ProfileArgs {
    /// Model
    #[arg(long, default_value = "resnet56")]
    model: String,
    /// Activation, for example relu or dropact:retain=0.95; --help lists them
    #[arg(long, value_name = "SPEC", default_value = "relu", long_help = activation_help())]
    activation: String,
    /// Images of a step
    #[arg(long, default_value = "128")]
    batch: u32,
    /// How often the step is timed; medians are shown
    #[arg(long, default_value = "5")]
    repeats: usize,
}

pub(super) fn run(context: &Context, args: &ProfileArgs) -> Result<()> {
    let mut config = RunConfig::from_layers(None, &[format!("batch={}", args.batch)], &toml::Table::new())?;
    config.model.clone_from(&args.model);
    config.activation.clone_from(&args.activation);
    let gpu = context.open()?;
    let profile = profile(&gpu, &config, args.repeats.max(1))?;
    context.output.result(&profile, || profile.to_string())
}
