//! What the device does at most, measured beside the profile.

use serde::Serialize;

use crate::Result;
use crate::gpu::{Clock, Dispatch, Gpu, Plan, Recorder};
use crate::kernels::ceiling;
use crate::measure::subject::median;

/// Bytes that are copied: more than caches hold, where the device binds so much.
const COPIED: u64 = 256 << 20;
/// The same on a software driver.
const COPIED_ON_CPU: u64 = 64 << 20;
/// A measurement grows until it takes this long...
const LONG_ENOUGH: f64 = 0.02;
/// ...or until it is this many times as large.
const MOST_GROWTH: u32 = 4096;
const REPEATS: usize = 9;
/// Groups of four numbers that multiply and add: enough invocations for any device.
const GROUPS: usize = 1 << 17;
const GROUPS_ON_CPU: usize = 1 << 12;

/// The most that a copy and a chain of multiply-adds reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ceilings {
    /// 10⁹ bytes read and written per second, of a copy of many megabytes.
    pub gb_per_s: f64,
    /// 10⁹ floating-point operations per second; a multiply-add counts two.
    pub gflop_per_s: f64,
}

impl Ceilings {
    /// 10⁹ operations per second that a kernel can reach with so many operations a byte, and whether memory bounds it.
    pub fn bound(&self, flops: u64, bytes: u64) -> (f64, bool) {
        let by_memory = self.gb_per_s * flops as f64 / bytes as f64;
        (by_memory.min(self.gflop_per_s), by_memory < self.gflop_per_s)
    }
}

fn seconds(gpu: &Gpu, plan: &Plan, clock: Clock) -> Result<f64> {
    let spans = plan.time_dispatches(gpu, clock)?;
    Ok(spans.into_iter().map(|span| span.duration().as_secs_f64()).sum())
}

/// The rate of the best of several runs, each long enough for the clock; `make` gives the dispatch, by its growth.
fn best(gpu: &Gpu, clock: Clock, work: u64, make: impl Fn(u32) -> Dispatch) -> Result<f64> {
    let plan = |growth: u32| {
        let mut recorder = Recorder::new();
        recorder.push(make(growth));
        recorder.finish(gpu)
    };
    let mut growth = 1;
    let mut own = plan(growth)?;
    seconds(gpu, &own, clock)?;
    while growth < MOST_GROWTH && seconds(gpu, &own, clock)? < LONG_ENOUGH {
        growth *= 2;
        own = plan(growth)?;
    }
    let mut least = f64::INFINITY;
    for _ in 0..REPEATS {
        least = least.min(seconds(gpu, &own, clock)?);
    }
    Ok((work * u64::from(growth)) as f64 / least / 1e9)
}

/// Measures both ceilings by this clock.
///
/// # Errors
/// Not enough device memory, or a lost device.
pub fn measure(gpu: &Gpu, clock: Clock) -> Result<Ceilings> {
    let software = gpu.is_software();
    let most = gpu.limits().max_storage_buffer_binding_size;
    let bytes = most.min(if software { COPIED_ON_CPU } else { COPIED });
    let words = (bytes / 4) as usize;
    let (source, copy) = (gpu.buffer("source", words)?, gpu.buffer("copy", words)?);
    let mut recorder = Recorder::new();
    recorder.push(ceiling::copy(&source.view(), &copy.view()));
    let plan = recorder.finish(gpu)?;
    seconds(gpu, &plan, clock)?;
    let times = (0..REPEATS).map(|_| seconds(gpu, &plan, clock)).collect::<Result<Vec<_>>>()?;
    let fastest = times.into_iter().fold(f64::INFINITY, f64::min);
    let y = gpu.buffer("y", 4 * if software { GROUPS_ON_CPU } else { GROUPS })?.view();
    let rounds = |growth: u32| ceiling::fma(8 * growth, 0.999, 0.001, &y);
    let gflop_per_s = best(gpu, clock, rounds(1).flops, rounds)?;
    Ok(Ceilings { gb_per_s: 2.0 * bytes as f64 / fastest / 1e9, gflop_per_s })
}

/// Seconds that the host takes for a submission by itself, median of many.
///
/// # Errors
/// A lost device.
pub fn submission(gpu: &Gpu) -> Result<f64> {
    let times = (0..20).map(|_| gpu.empty_submission().map(|time| time.as_secs_f64()));
    Ok(median(times.collect::<Result<_>>()?))
}
