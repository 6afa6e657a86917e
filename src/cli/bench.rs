//! `wgrad bench`

use clap::ValueEnum;
use wgrad::Result;
use wgrad::config::RunConfig;
use wgrad::measure::bench;

use super::{Context, activation_help};

/// What is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Whole training steps
    Step,
}

#[derive(clap::Args)]
pub(super) struct BenchArgs {
    /// What is measured
    #[arg(value_enum, default_value = "step")]
    what: What,
    /// Model
    #[arg(long, default_value = "resnet56")]
    model: String,
    /// Activation, for example relu or dropact:retain=0.95; --help lists them
    #[arg(long, value_name = "SPEC", default_value = "relu", long_help = activation_help())]
    activation: String,
    /// Images of a step
    #[arg(long, default_value = "128")]
    batch: u32,
    /// Steps that are timed
    #[arg(long, default_value = "20")]
    steps: u32,
}

pub(super) fn run(context: &Context, args: &BenchArgs) -> Result<()> {
    let What::Step = args.what;
    let set = vec![format!("batch={}", args.batch), format!("steps={}", args.steps)];
    let mut config = RunConfig::from_layers(None, &set, &toml::Table::new())?;
    config.model.clone_from(&args.model);
    config.activation.clone_from(&args.activation);
    let gpu = context.open()?;
    let row = bench::step(&gpu, &config, args.steps)?;
    context.output.result(&row, || row.to_string())
}
