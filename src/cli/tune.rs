//! `--tune`, of the commands that train.

use clap::ValueEnum;
use wgrad::Result;
use wgrad::config::RunConfig;
use wgrad::gpu::Gpu;
use wgrad::kernels::conv::Precision;
use wgrad::measure::check::cooperative_matrices;
use wgrad::measure::tune::{Effort, tune};
use wgrad::train::{Run, precision};

/// Checks what mixed precision takes, where it is configured: drivers are known that compute it wrong.
pub(super) fn check_precision(gpu: &Gpu, config: &RunConfig) -> Result<()> {
    match precision(config) {
        Precision::Mixed => cooperative_matrices(gpu),
        Precision::F32 => Ok(()),
    }
}

/// Picks the kernels of a run that has no checkpoint yet; one that goes on keeps its own.
pub(super) fn tune_run(gpu: &Gpu, run: &mut Run, effort: Effort) -> Result<()> {
    check_precision(gpu, run.config()).map_err(|error| run.end_by(error))?;
    if run.is_new() {
        let (batch, precision) = (run.config().batch as usize, precision(run.config()));
        let choices = tune(gpu, run.network(), batch, precision, effort);
        run.choose(choices.map_err(|error| run.end_by(error))?);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tune {
    /// Measure nothing: take what is made for this kind of device
    Off,
    /// Measure what was not measured before on this device, a few seconds
    Quick,
    /// Measure everything anew
    Full,
}

#[derive(clap::Args)]
pub(super) struct TuneArgs {
    /// How the kernels of the convolutions are picked; -v prints the choice
    #[arg(long, value_enum, default_value = "quick")]
    tune: Tune,
}

impl TuneArgs {
    pub(super) fn effort(&self) -> Effort {
        match self.tune {
            Tune::Off => Effort::Off,
            Tune::Quick => Effort::Quick,
            Tune::Full => Effort::Full,
        }
    }
}
