//! `wgrad bench`

use clap::ValueEnum;
use wgrad::measure::activation_cost::activation_cost;
use wgrad::measure::bench;
use wgrad::measure::convolutions::{self, ConvRow};
use wgrad::train::build_network;
use wgrad::{Error, Result};

use super::Context;
use super::subject::SubjectArgs;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum What {
    /// Whole training steps
    Step,
    /// What the activation costs: whole steps with it and with relu, in turns
    Activation,
    /// Every kernel that can compute the model's convolutions, each shape and direction
    Kernels,
}

#[derive(clap::Args)]
pub(super) struct BenchArgs {
    /// What is measured
    #[arg(value_enum, default_value = "step")]
    what: What,
    #[command(flatten)]
    subject: SubjectArgs,
    /// Steps that are timed, or turns with `activation` [default: 20]; with `kernels` the turns of each candidate [default: 5]
    #[arg(long)]
    steps: Option<u32>,
    /// With `kernels`: only rows whose direction, shape and candidate hold these words, for example
    /// "forward 16x32x32 direct"
    #[arg(long, value_name = "WORDS", default_value = "")]
    only: String,
}

pub(super) fn run(context: &Context, args: &BenchArgs) -> Result<()> {
    if args.what != What::Kernels && !args.only.is_empty() {
        return Err(Error::usage(
            "--only chooses rows of `wgrad bench kernels`: add that word, or leave --only out",
        ));
    }
    let config = args.subject.config(args.steps)?;
    let gpu = context.open()?;
    match args.what {
        What::Step => {
            let row = bench::step(&gpu, &config, args.subject.tune.effort())?;
            context.output.result(&row, || row.to_string())
        }
        What::Activation => {
            let row = activation_cost(&gpu, &config, args.subject.tune.effort())?;
            context.output.result(&row, || row.to_string())
        }
        What::Kernels => {
            let network = build_network(&config, [32, 32, 3], 10)?;
            let watch = |row: &ConvRow| context.output.result(row, || row.to_string());
            let turns = args.steps.unwrap_or(5);
            convolutions::bench(&gpu, &network, config.batch as usize, &args.only, turns, watch)
        }
    }
}
