//! `wgrad bench`

use clap::ValueEnum;
use wgrad::Result;
use wgrad::measure::bench;

use super::Context;
use super::subject::SubjectArgs;

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
    #[command(flatten)]
    subject: SubjectArgs,
    /// Steps that are timed [default: 20]
    #[arg(long)]
    steps: Option<u32>,
}

pub(super) fn run(context: &Context, args: &BenchArgs) -> Result<()> {
    let What::Step = args.what;
    let config = args.subject.config(args.steps)?;
    let gpu = context.open()?;
    let row = bench::step(&gpu, &config)?;
    context.output.result(&row, || row.to_string())
}
