//! Where a training step's time goes, kernel by kernel, by the device's own clock or by the host's.

mod ceilings;
mod table;
mod trace;
pub mod work;

use indexmap::IndexMap;
use serde::Serialize;

use super::subject::{Subject, median};
use super::tune::{Effort, tune};
use crate::Result;
use crate::config::RunConfig;
use crate::gpu::{Clock, Dispatch, Gpu, Span};
use crate::train::{build_network, precision};

pub use ceilings::{Ceilings, Copy};
pub use trace::{Event, chrome_trace};
use work::Phase;

/// Least steps that are submitted without waiting, to see how busy the device is.
const PIPELINED: usize = 4;

/// One kernel in the profile.
#[derive(Clone, Debug, Serialize)]
pub struct KernelRow {
    /// The kernel's name in the registry.
    pub kernel: String,
    /// Dispatches of a step.
    pub calls: usize,
    /// Milliseconds of all of them, each one's median over the repeats.
    pub total_ms: f64,
    /// Share of the sum over all kernels.
    pub share: f64,
    /// 10⁹ bytes per second, of those that it must move at least.
    pub gb_per_s: f64,
    /// 10⁹ floating-point operations per second, where it does any.
    pub gflop_per_s: Option<f64>,
    /// Operations a byte.
    pub intensity: f64,
    /// `memory` or `arithmetic`: whose ceiling is the lower one for it.
    pub bound: &'static str,
    /// The least time that the ceilings allow over the time taken. More than 1 is possible where caches hold what it reads, or
    /// where an algorithm needs fewer operations than the direct form that is counted.
    pub of_ceiling: f64,
}

/// A part of the step.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseRow {
    /// Which one.
    pub phase: Phase,
    /// Milliseconds of its dispatches.
    pub total_ms: f64,
    /// Share of the sum over all dispatches.
    pub share: f64,
}

/// A profile of a training step. Times are medians over the repeats, after warm-up.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// Name and driver of the device.
    pub device: String,
    /// The model.
    pub model: String,
    /// The activation's SPEC.
    pub activation: String,
    /// Images of a step.
    pub batch: u32,
    /// How often each thing was timed.
    pub repeats: usize,
    /// `device, inside a pass`, `device, a pass each` or `host`.
    pub clock: &'static str,
    /// Kernels, the longest first.
    pub kernels: Vec<KernelRow>,
    /// The parts of the step, in its order.
    pub phases: Vec<PhaseRow>,
    /// Seconds of the whole step replayed in one pass: by the same clock as the kernels.
    pub step_s: f64,
    /// Seconds of all dispatches, each timed by itself.
    pub sum_s: f64,
    /// How much the sum is more than the step, as a share of the step; negative where it is less.
    pub sum_excess: f64,
    /// The host's seconds of a step: encoding and submitting.
    pub host_step_s: f64,
    /// Seconds of a step where several are under way, as in training.
    pub pipelined_step_s: f64,
    /// Share of that in which the device has nothing to do, where its own clock tells.
    pub gpu_idle: Option<f64>,
    /// Seconds of a submission by itself: in each figure that the host's clock gives.
    pub submission_s: f64,
    /// What the device does at most, measured in the same run.
    pub ceilings: Ceilings,
}

/// A profile, and the dispatches of its last repeat.
pub struct Profiled {
    /// The figures.
    pub profile: Profile,
    /// The dispatches in order, for a trace.
    pub events: Vec<Event>,
}

/// Profiles a training step of the configured model on random images, `repeats` times, by this clock.
///
/// # Errors
/// A clock that the device does not have, a configuration that does not fit, or a lost device.
pub fn profile(
    gpu: &Gpu,
    config: &RunConfig,
    effort: Effort,
    repeats: usize,
    clock: Clock,
) -> Result<Profiled> {
    let network = build_network(config, [32, 32, 3], 10)?;
    let choices = tune(gpu, &network, config.batch as usize, precision(config), effort)?;
    let mut subject = Subject::new(gpu, &network, config, choices, repeats.max(PIPELINED))?;
    subject.step()?;
    subject.dispatches(clock)?;
    let (mut fused, mut each, mut host) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that what else the machine does counts for all.
    for _ in 0..repeats {
        let (submitted, done) = subject.step()?;
        host.push(submitted);
        fused.push(match clock {
            Clock::Host => done,
            _ => subject.device_step()?.unwrap_or(done),
        });
        each.push(subject.dispatches(clock)?);
    }
    let pipelined_step_s = subject.pipelined()?;
    let ceilings = ceilings::measure(gpu, clock)?;
    let dispatches: Vec<&Dispatch> = subject.plan().dispatches().collect();
    let times: Vec<f64> = (0..dispatches.len())
        .map(|index| median(each.iter().map(|spans| spans[index].duration().as_secs_f64()).collect()))
        .collect();
    let (step_s, sum_s) = (median(fused), times.iter().sum::<f64>());
    let idle = (1.0 - step_s / pipelined_step_s).max(0.0);
    let phases = work::phases(dispatches.iter().map(|dispatch| dispatch.kernel.name));
    let profile = Profile {
        device: gpu.description(),
        model: network.name.clone(),
        activation: config.activation.clone(),
        batch: config.batch,
        repeats,
        clock: clock_name(clock),
        kernels: kernels(&dispatches, &times, &ceilings),
        phases: subtotals(&phases, &times),
        step_s,
        sum_s,
        sum_excess: sum_s / step_s - 1.0,
        host_step_s: median(host),
        pipelined_step_s,
        gpu_idle: (clock != Clock::Host).then_some(idle),
        submission_s: ceilings::submission(gpu)?,
        ceilings,
    };
    let last = each.pop().unwrap_or_default();
    Ok(Profiled { profile, events: events(&dispatches, &phases, &last) })
}

fn clock_name(clock: Clock) -> &'static str {
    match clock {
        Clock::InsidePass => "device, inside a pass",
        Clock::PassEach => "device, a pass each",
        Clock::Host => "host",
    }
}

/// A row for each kernel, the longest first.
fn kernels(dispatches: &[&Dispatch], times: &[f64], ceilings: &Ceilings) -> Vec<KernelRow> {
    #[derive(Default)]
    struct Total {
        calls: usize,
        seconds: f64,
        bytes: u64,
        flops: u64,
        by_memory: f64,
        by_arithmetic: f64,
        least: f64,
    }
    let mut totals: IndexMap<&str, Total> = IndexMap::new();
    for (dispatch, seconds) in dispatches.iter().zip(times) {
        let total = totals.entry(dispatch.kernel.name).or_default();
        let (bytes, flops) = (work::bytes(dispatch), work::flops(dispatch));
        let (by_memory, by_arithmetic) = ceilings.least_seconds(bytes, flops);
        total.calls += 1;
        total.seconds += seconds;
        total.bytes += bytes;
        total.flops += flops;
        total.by_memory += by_memory;
        total.by_arithmetic += by_arithmetic;
        total.least += by_memory.max(by_arithmetic);
    }
    let sum: f64 = times.iter().sum();
    let row = |(kernel, total): (&str, Total)| {
        // A dispatch can be shorter than a tick of the clock.
        let seconds = total.seconds.max(1e-9);
        KernelRow {
            kernel: kernel.to_owned(),
            calls: total.calls,
            total_ms: total.seconds * 1e3,
            share: total.seconds / sum,
            gb_per_s: total.bytes as f64 / seconds / 1e9,
            gflop_per_s: (total.flops > 0).then(|| total.flops as f64 / seconds / 1e9),
            intensity: total.flops as f64 / total.bytes as f64,
            bound: if total.by_memory > total.by_arithmetic { "memory" } else { "arithmetic" },
            of_ceiling: total.least / seconds,
        }
    };
    let mut rows: Vec<KernelRow> = totals.into_iter().map(row).collect();
    rows.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms));
    rows
}

fn subtotals(phases: &[Phase], times: &[f64]) -> Vec<PhaseRow> {
    let sum: f64 = times.iter().sum();
    let row = |phase: Phase| {
        let own = phases.iter().zip(times).filter(|row| *row.0 == phase).map(|row| row.1);
        let seconds: f64 = own.sum();
        PhaseRow { phase, total_ms: seconds * 1e3, share: seconds / sum }
    };
    Phase::ALL.into_iter().map(row).collect()
}

fn events(dispatches: &[&Dispatch], phases: &[Phase], spans: &[Span]) -> Vec<Event> {
    let each = dispatches.iter().zip(phases).zip(spans);
    each.map(|((dispatch, &phase), span)| Event {
        kernel: dispatch.kernel.name.to_owned(),
        layer: dispatch.label.clone(),
        phase,
        start: span.start,
        end: span.end,
        bytes: work::bytes(dispatch),
        flops: work::flops(dispatch),
        groups: dispatch.groups.0,
    })
    .collect()
}
