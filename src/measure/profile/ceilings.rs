//! What the device does at most, measured beside the profile.

use serde::Serialize;

use crate::Result;
use crate::gpu::{Clock, Dispatch, Gpu, Plan, Recorder};
use crate::kernels::ceiling;
use crate::measure::subject::median;

/// Bytes that are copied: from what caches hold to more than that.
const COPIED: [u64; 5] = [1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20];
/// The most of these on a software driver.
const MOST_ON_CPU: u64 = 64 << 20;
/// A measurement grows until it takes this long...
const LONG_ENOUGH: f64 = 0.02;
/// ...or until it is this many times as large.
const MOST_GROWTH: u32 = 4096;
const REPEATS: usize = 9;
/// Groups of four numbers that multiply and add: enough invocations for any device.
const GROUPS: usize = 1 << 17;
const GROUPS_ON_CPU: usize = 1 << 12;

/// A copy's rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Copy {
    /// Bytes read and written.
    pub bytes: u64,
    /// 10⁹ of them per second.
    pub gb_per_s: f64,
}

/// The most that copies and a chain of multiply-adds reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ceilings {
    /// 10⁹ bytes read and written per second, of the largest copy.
    pub gb_per_s: f64,
    /// 10⁹ floating-point operations per second; a multiply-add counts two.
    pub gflop_per_s: f64,
    /// Copies of each size, the smallest first: small ones are those that caches hold.
    pub copies: Vec<Copy>,
}

impl Ceilings {
    /// The least seconds that memory and arithmetic need by themselves. Memory is compared with the largest copy that moves no
    /// more bytes.
    pub fn least_seconds(&self, bytes: u64, flops: u64) -> (f64, f64) {
        let fits = self.copies.iter().rev().find(|copy| copy.bytes <= bytes);
        let rate = fits.or(self.copies.first()).map_or(self.gb_per_s, |copy| copy.gb_per_s);
        (bytes as f64 / rate / 1e9, flops as f64 / self.gflop_per_s / 1e9)
    }
}

fn seconds(gpu: &Gpu, plan: &Plan, clock: Clock) -> Result<f64> {
    let spans = plan.time_dispatches(gpu, clock)?;
    Ok(spans.into_iter().map(|span| span.duration().as_secs_f64()).sum())
}

/// The rate of the best of several runs; `make` gives the dispatch, by its growth, which doubles until the clock can tell.
fn best(gpu: &Gpu, clock: Clock, work: u64, make: impl Fn(u32) -> Dispatch, most_growth: u32) -> Result<f64> {
    let plan = |growth: u32| {
        let mut recorder = Recorder::new();
        recorder.push(make(growth));
        recorder.finish(gpu)
    };
    let mut growth = 1;
    let mut own = plan(growth)?;
    seconds(gpu, &own, clock)?;
    while growth < most_growth && seconds(gpu, &own, clock)? < LONG_ENOUGH {
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
    let most =
        gpu.limits().max_storage_buffer_binding_size.min(if software { MOST_ON_CPU } else { u64::MAX });
    let sizes: Vec<u64> = COPIED.into_iter().filter(|&bytes| bytes <= most).collect();
    let words = |bytes: u64| (bytes / 4) as usize;
    let largest = words(sizes.iter().copied().max().unwrap_or(most));
    let (source, copy) = (gpu.buffer("source", largest)?.view(), gpu.buffer("copy", largest)?.view());
    let measured = |bytes: u64| {
        let dispatch = ceiling::copy(&source.first(words(bytes)), &copy.first(words(bytes)));
        Ok(Copy { bytes: 2 * bytes, gb_per_s: best(gpu, clock, 2 * bytes, |_| dispatch.clone(), 1)? })
    };
    let copies = sizes.into_iter().map(measured).collect::<Result<Vec<_>>>()?;
    let y = gpu.buffer("y", 4 * if software { GROUPS_ON_CPU } else { GROUPS })?.view();
    let rounds = |growth: u32| ceiling::fma(8 * growth, 0.999, 0.001, &y);
    let gflop_per_s = best(gpu, clock, rounds(1).flops, rounds, MOST_GROWTH)?;
    Ok(Ceilings { gb_per_s: copies.last().map_or(0.0, |copy| copy.gb_per_s), gflop_per_s, copies })
}

/// Seconds that the host takes for a submission by itself, median of many.
///
/// # Errors
/// A lost device.
pub fn submission(gpu: &Gpu) -> Result<f64> {
    let times = (0..20).map(|_| gpu.empty_submission().map(|time| time.as_secs_f64()));
    Ok(median(times.collect::<Result<_>>()?))
}
