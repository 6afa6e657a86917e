//! `wgrad profile`

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use wgrad::gpu::Clock;
use wgrad::measure::profile::{KernelRow, Profile, chrome_trace, profile};
use wgrad::report::{Roofline, RooflinePoint};
use wgrad::{Error, Result};

use super::Context;
use super::subject::SubjectArgs;

/// Whose clock times the kernels.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClockArg {
    /// The device's, all dispatches in one pass as far as it can
    Device,
    /// The device's, a pass for each dispatch
    Passes,
    /// The host's, which submits each dispatch and waits
    Host,
}

#[derive(clap::Args)]
pub(super) struct ProfileArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How often the step is timed; medians are shown
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeats: u16,
    /// Whose clock [default: the device's, where it has one]
    #[arg(long, value_enum)]
    clock: Option<ClockArg>,
    /// Also draw the kernels under the device's ceilings
    #[arg(long, value_name = "FILE.svg")]
    roofline: Option<PathBuf>,
    /// Also write the step as a Chrome trace, for ui.perfetto.dev
    #[arg(long, value_name = "FILE.json")]
    trace: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &ProfileArgs) -> Result<()> {
    let config = args.subject.config(None)?;
    let gpu = context.open()?;
    let best = gpu.clock();
    let clock = match args.clock {
        Some(ClockArg::Host) => Clock::Host,
        Some(ClockArg::Passes) if best != Clock::Host => Clock::PassEach,
        _ => best,
    };
    if best == Clock::Host {
        context.output.note(format!(
            "device {} has no timestamp queries: the host's clock times each dispatch, with its submission and the wait",
            gpu.name()
        ));
    }
    let profiled = profile(&gpu, &config, args.subject.tune.effort(), args.repeats.into(), clock)?;
    let profile = &profiled.profile;
    if let Some(path) = &args.roofline {
        write(path, &roofline(profile).svg())?;
    }
    if let Some(path) = &args.trace {
        write(path, &chrome_trace(&profile.device, &profiled.events).to_string())?;
    }
    context.output.result(profile, || profile.to_string())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(Error::io("write", path))
}

fn roofline(profile: &Profile) -> Roofline {
    let Profile { model, batch, device, ceilings, .. } = profile;
    let point = |row: &KernelRow| RooflinePoint {
        name: row.kernel.clone(),
        intensity: row.intensity,
        gflop_per_s: row.gflop_per_s.unwrap_or(0.0),
        share: row.share,
    };
    Roofline {
        title: format!("{model}, batch {batch}: {}", device.split(" (").next().unwrap_or_default()),
        gb_per_s: ceilings.gb_per_s,
        cached_gb_per_s: ceilings.copies.iter().map(|copy| copy.gb_per_s).fold(ceilings.gb_per_s, f64::max),
        gflop_per_s: ceilings.gflop_per_s,
        points: profile.kernels.iter().map(point).collect(),
    }
}
