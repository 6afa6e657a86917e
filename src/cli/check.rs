//! `wgrad check`

use std::path::{Path, PathBuf};
use std::time::Instant;

use wgrad::gpu::Gpu;
use wgrad::kernels::Activation;
use wgrad::measure::check::{
    Case, CurvePoint, Outcome, cases, check_custom, network_cases, run_cases, run_networks,
};
use wgrad::report::{FunctionPlot, Sample};
use wgrad::{Error, Result};

use super::Context;
use super::tally::Tally;

#[derive(clap::Args)]
pub(super) struct CheckArgs {
    /// Only kernels whose name has this in it; `network` for the whole networks
    #[arg(long, value_name = "PATTERN")]
    kernel: Option<String>,
    /// On software drivers too: every kernel for every size, which GPUs are always checked with
    #[arg(long)]
    full: bool,
    /// Check an activation of your own instead: derivative, mean, noise, numbers
    #[arg(long, value_name = "FILE.wgsl", conflicts_with = "kernel")]
    activation: Option<String>,
    /// Plot of that activation [default: the file's name with .svg, in the current folder]
    #[arg(long, value_name = "FILE.svg", requires = "activation")]
    plot: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<()> {
    if let Some(spec) = &args.activation {
        return custom(context, spec, args.plot.as_deref());
    }
    let wanted = |name: &str| args.kernel.as_ref().is_none_or(|pattern| name.contains(pattern.as_str()));
    let kernels: Vec<_> = cases().into_iter().filter(|case| wanted(case.kernel)).collect();
    let networks = if wanted("network") { network_cases() } else { Vec::new() };
    if kernels.is_empty() && networks.is_empty() {
        let pattern = args.kernel.as_deref().unwrap_or_default();
        return Err(Error::usage(format!(
            "no kernel's name has {pattern:?} in it: `wgrad profile` shows the names"
        )));
    }
    let gpu = context.open()?;
    let kernels = suited(context, &gpu, kernels, args.full);
    if let (Err(reason), true) = (gpu.cooperative_side(), kernels.is_empty() && networks.is_empty()) {
        return Err(reason);
    }
    let started = Instant::now();
    let tally = Tally::new(context.output, kernels.len() + networks.len());
    let cases: Vec<_> = kernels.iter().collect();
    // Whoever waits for many minutes wants to know what is wrong at once.
    let watch = |outcomes: &[Outcome]| {
        outcomes.iter().filter(|outcome| !outcome.ok).for_each(|outcome| tally.note(outcome));
        tally.done(outcomes.first().map_or("", |outcome| &outcome.kernel));
    };
    let name = gpu.name().to_owned();
    let gpus = context.devices_for_compiling(gpu)?;
    let mut outcomes = run_cases(&gpus, &cases, watch)?;
    outcomes.extend(run_networks(&gpus, &networks, watch)?);
    tally.finish();
    let seconds = started.elapsed().as_secs_f64();
    context.output.note(format!("{} checks in {seconds:.0} s", outcomes.len()));
    context.output.result(&outcomes, || table(&outcomes))?;
    let wrong = outcomes.iter().filter(|outcome| !outcome.ok).count();
    if wrong > 0 {
        let all = outcomes.len();
        return Err(Error::Device(format!(
            "{wrong} of {all} checks fail on {name}: do not train on it with this driver"
        )));
    }
    Ok(())
}

/// The cases that the device runs; says how many others there are, and why they are left out.
fn suited(context: &Context, gpu: &Gpu, mut cases: Vec<Case>, full: bool) -> Vec<Case> {
    let mut leave_out = |what: &dyn Fn(&Case) -> bool, why: &dyn Fn() -> String| {
        let all = cases.len();
        cases.retain(|case| !what(case));
        if cases.len() < all {
            context.output.note(format!("{} checks {}", all - cases.len(), why()));
        }
    };
    leave_out(&|case| case.too_heavy(gpu), &|| {
        "of large batches with kernels for GPUs are left out: software would take minutes".to_owned()
    });
    leave_out(&|case| !full && case.is_spare(gpu), &|| {
        "of further sizes are left out: software takes a second to compile each; --full runs them".to_owned()
    });
    leave_out(&|case| !case.fits(gpu), &|| match gpu.cooperative_side() {
        Err(reason) => format!("are left out: {reason}"),
        Ok(_) => "are left out: the device does not run their kernels".to_owned(),
    });
    cases
}

/// Checks and draws a user's activation.
fn custom(context: &Context, spec: &str, plot: Option<&Path>) -> Result<()> {
    let activation = Activation::parse(spec)?;
    let gpu = context.open()?;
    let report = check_custom(&gpu, &activation)?;
    let name = Path::new(activation.row.name).file_name().map(Path::new).unwrap_or(Path::new("activation"));
    let path = plot.map_or_else(|| name.with_extension("svg"), Path::to_path_buf);
    let sample = |point: &CurvePoint| Sample {
        x: point.x,
        value: point.eval[0],
        derivative: point.eval[1],
        spread: point.train.map(|[value, _]| value),
        derivative_spread: point.train.map(|[_, derivative]| derivative),
    };
    let drawing =
        FunctionPlot { title: activation.spec(), samples: report.curve.iter().map(sample).collect() };
    std::fs::write(&path, drawing.svg()).map_err(Error::io("write", &path))?;
    context.output.result(&report.outcomes, || {
        let row = |outcome: &Outcome| {
            let Outcome { case, ok, reason, .. } = outcome;
            if *ok { format!("ok     {case}") } else { format!("WRONG  {case}: {reason}") }
        };
        let kinks = report.kinks.iter().map(|kink| {
            let what = if kink.value_jumps { "the value jumps" } else { "the slope changes" };
            format!("kink   at x = {:.3} {what} by {:.3}", kink.x, kink.change)
        });
        report.outcomes.iter().map(row).chain(kinks).collect::<Vec<_>>().join("\n")
    })?;
    context.output.note(format!("plot: {}", path.display()));
    let wrong = report.outcomes.iter().filter(|outcome| !outcome.ok).count();
    if wrong > 0 {
        let all = report.outcomes.len();
        return Err(Error::Device(format!("{spec}: {wrong} of {all} checks fail")));
    }
    Ok(())
}

/// A line for each kernel, and one for each check that fails.
fn table(outcomes: &[Outcome]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !names.contains(&outcome.kernel.as_str()) {
            names.push(&outcome.kernel);
        }
    }
    let mut text = format!(
        "{:<32} {:>6} {:>6} {:>28} {:>8}",
        "kernel", "cases", "fail", "largest error / tolerance", "seconds"
    );
    for name in names {
        let own: Vec<_> = outcomes.iter().filter(|outcome| outcome.kernel == name).collect();
        let wrong = own.iter().filter(|outcome| !outcome.ok).count();
        let share = |o: &&Outcome| if o.tolerance > 0.0 { o.max_error / o.tolerance } else { 0.0 };
        let worst = own.iter().map(share).fold(0.0, f64::max);
        let seconds: f64 = own.iter().map(|outcome| outcome.seconds).sum();
        text += &format!("\n{name:<32} {:>6} {wrong:>6} {worst:>28.3} {seconds:>8.1}", own.len());
    }
    for outcome in outcomes.iter().filter(|outcome| !outcome.ok) {
        text += &format!("\n{outcome}");
    }
    text
}
