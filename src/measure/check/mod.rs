//! Every kernel against its f64 twin on a device: seeded inputs, poisoned outputs, tolerances derived from WGSL's accuracy
//! table and the length of the sums.

mod case;
mod cases;
mod compare;
mod custom;
mod lab;
mod network;
mod tolerance;
mod twin;

pub use case::{Case, Outcome};
pub use cases::cases;
pub use compare::{Comparison, POISON, compare, compare_words, untouched};
pub use custom::{CurvePoint, CustomReport, Kink, check_custom};
pub use network::{NetworkCase, network_cases};
pub use tolerance::{Approx, ULP, gamma, sum_of_products};
pub use twin::{Given, Twin};

use std::slice::from_ref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rayon::prelude::*;

use crate::gpu::Gpu;
use crate::{Error, Result};

/// Cases after which the kernels that were compiled for them are dropped.
const KEPT: usize = 64;

/// Runs cases, several at a time: one's twin is computed while another's kernel runs, on one of these devices (several of them
/// help where a driver compiles for each device in one thread). `watch` gets each outcome when its case is done; they
/// are returned in the cases' order.
///
/// # Errors
/// As [`Case::run`].
///
/// # Panics
/// No device.
pub fn run_cases(gpus: &[Gpu], cases: &[&Case], watch: impl Fn(&[Outcome]) + Sync) -> Result<Vec<Outcome>> {
    let done = AtomicUsize::new(0);
    let run = |case: &&Case| {
        let gpu = own(gpus);
        let outcome = case.run(gpu)?;
        watch(from_ref(&outcome));
        // Neighbouring cases share kernels, others seldom do.
        if done.fetch_add(1, Ordering::Relaxed) % KEPT == KEPT - 1 {
            gpu.forget_unused_pipelines();
        }
        Ok(outcome)
    };
    cases.par_iter().map(run).collect()
}

/// As [`run_cases`], with whole networks: their gradients, and that a step gives the same bits again. `watch` gets a
/// network's outcomes.
///
/// # Errors
/// As [`NetworkCase::run`].
///
/// # Panics
/// No device.
pub fn run_networks(
    gpus: &[Gpu],
    cases: &[NetworkCase],
    watch: impl Fn(&[Outcome]) + Sync,
) -> Result<Vec<Outcome>> {
    let run = |case: &NetworkCase| {
        let (gpu, started) = (own(gpus), Instant::now());
        let mut outcomes = case.run(gpu)?;
        outcomes.push(case.deterministic(gpu)?);
        outcomes[0].seconds = started.elapsed().as_secs_f64();
        watch(&outcomes);
        Ok(outcomes)
    };
    let each: Vec<Vec<Outcome>> = cases.par_iter().map(run).collect::<Result<_>>()?;
    Ok(each.into_iter().flatten().collect())
}

/// The device of this thread.
fn own(gpus: &[Gpu]) -> &Gpu {
    &gpus[rayon::current_thread_index().unwrap_or(0) % gpus.len()]
}

/// Compares the kernels of mixed precision with their twins for one shape whose sums are long: drivers are known that lose
/// sums in cooperative matrices, so a run asks before it trusts them.
///
/// # Errors
/// A device without such matrices, or one whose results are off.
pub fn cooperative_matrices(gpu: &Gpu) -> Result<()> {
    gpu.cooperative_side()?;
    let asked = |case: &&Case| {
        case.kernel.ends_with("_coop")
            && case.name.starts_with("5x8x8, 64 to 64 ")
            && case.name.ends_with(", f16 inputs")
    };
    let all = cases();
    let asked: Vec<&Case> = all.iter().filter(asked).collect();
    debug_assert!(asked.len() >= 3, "a direction is not asked for");
    for case in asked {
        let outcome = case.run(gpu)?;
        if !outcome.ok {
            let name = gpu.name();
            return Err(Error::Device(format!(
                "device {name}: its cooperative matrices compute wrong, use precision f32 ({outcome})"
            )));
        }
    }
    Ok(())
}
