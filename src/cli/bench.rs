//! `wgrad bench`

use clap::ValueEnum;
use wgrad::Result;
use wgrad::config::RunConfig;
use wgrad::measure::bench;
use wgrad::measure::convolutions::{self, ConvRow};
use wgrad::train::build_network;

use super::Context;
use super::tune::TuneArgs;

/// What is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Whole training steps
    Step,
    /// Every kernel that can compute the model's convolutions, each shape and direction
    Kernels,
}

#[derive(clap::Args)]
pub(super) struct BenchArgs {
    /// What is measured
    #[arg(value_enum, default_value = "step")]
    what: What,
    /// Model
    #[arg(long, default_value = "resnet56")]
    model: String,
    /// Activation
    #[arg(long, value_name = "SPEC", default_value = "relu")]
    activation: String,
    /// Images of a step
    #[arg(long, default_value = "128")]
    batch: u32,
    /// Steps that are timed
    #[arg(long, default_value = "20")]
    steps: u32,
    /// With `kernels`: only rows whose direction, shape and candidate hold these words, for example
    /// "forward 16x32x32 direct"
    #[arg(long, value_name = "WORDS", default_value = "")]
    only: String,
    #[command(flatten)]
    tune: TuneArgs,
}

pub(super) fn run(context: &Context, args: &BenchArgs) -> Result<()> {
    let set = vec![format!("batch={}", args.batch), format!("steps={}", args.steps)];
    let mut config = RunConfig::from_layers(None, &set, &toml::Table::new())?;
    config.model.clone_from(&args.model);
    config.activation.clone_from(&args.activation);
    let gpu = context.open()?;
    match args.what {
        What::Step => {
            let row = bench::step(&gpu, &config, args.tune.effort(), args.steps)?;
            context.output.result(&row, || row.to_string())
        }
        What::Kernels => {
            let network = build_network(&config, [32, 32, 3], 10)?;
            let watch = |row: &ConvRow| context.output.result(row, || row.to_string());
            convolutions::bench(&gpu, &network, args.batch as usize, &args.only, watch)
        }
    }
}
