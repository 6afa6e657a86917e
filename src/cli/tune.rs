//! `--tune`, of the commands that train.

use clap::ValueEnum;
use wgrad::measure::tune::Effort;

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
