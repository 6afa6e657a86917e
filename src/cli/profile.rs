//! `wgrad profile`

use wgrad::Result;
use wgrad::measure::profile::profile;

use super::Context;
use super::subject::SubjectArgs;

#[derive(clap::Args)]
pub(super) struct ProfileArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How often the step is timed; medians are shown
    #[arg(long, default_value = "5")]
    repeats: usize,
}

pub(super) fn run(context: &Context, args: &ProfileArgs) -> Result<()> {
    let config = args.subject.config(None)?;
    let gpu = context.open()?;
    let profile = profile(&gpu, &config, args.subject.tune.effort(), args.repeats.max(1))?;
    context.output.result(&profile, || profile.to_string())
}
