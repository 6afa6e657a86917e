//! Where a training step's time goes, kernel by kernel, by the device's own clock.

use indexmap::IndexMap;
use serde::Serialize;

use super::subject::{Subject, median};
use super::tune::{Effort, tune};
use crate::Result;
use crate::config::RunConfig;
use crate::gpu::Gpu;
use crate::train::{build_network, precision};

/// One kernel in the profile.
#[derive(Clone, Debug, Serialize)]
pub struct KernelRow {
    /// The kernel's name in the registry.
    pub kernel: String,
    /// Dispatches of a step.
    pub calls: usize,
    /// Milliseconds of all of them, median over the repeats.
    pub total_ms: f64,
    /// Share of the sum over all kernels.
    pub share: f64,
    /// 10⁹ bytes of bound buffers per second (each binding counted once).
    pub gb_per_s: f64,
    /// 10⁹ floating-point operations per second, where the kernel counts any.
    pub gflop_per_s: Option<f64>,
}

/// A profile of a training step.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// Name and driver of the device.
    pub device: String,
    /// The model.
    pub model: String,
    /// Images of a step.
    pub batch: u32,
    /// Kernels, the longest first.
    pub kernels: Vec<KernelRow>,
    /// Seconds of the whole step replayed in one pass: the sum of passes can exceed it.
    pub step_s: f64,
    /// Seconds of all dispatches, each in a pass of its own.
    pub sum_s: f64,
}

/// Profiles a training step of the configured model on random images, `repeats` times.
///
/// # Errors
/// A device without timestamps, a configuration that does not fit, or a lost device.
pub fn profile(gpu: &Gpu, config: &RunConfig, effort: Effort, repeats: usize) -> Result<Profile> {
    let network = build_network(config, [32, 32, 3], 10)?;
    let choices = tune(gpu, &network, config.batch as usize, precision(config), effort)?;
    let mut subject = Subject::new(gpu, &network, config, choices, 1)?;
    subject.step()?;
    let steps = (0..repeats).map(|_| subject.step().map(|time| time.1)).collect::<Result<Vec<_>>>()?;
    let step_s = median(steps);
    let plan = subject.plan();
    let times = (0..repeats).map(|_| plan.time_dispatches(gpu)).collect::<Result<Vec<_>>>()?;
    let mut rows: IndexMap<&str, KernelRow> = IndexMap::new();
    let mut work: IndexMap<&str, (u64, u64)> = IndexMap::new();
    for (index, dispatch) in plan.dispatches().enumerate() {
        let name = dispatch.kernel.name;
        let own = median(times.iter().map(|all| all[index].as_secs_f64()).collect());
        let row = rows.entry(name).or_insert_with(|| KernelRow {
            kernel: name.to_owned(),
            calls: 0,
            total_ms: 0.0,
            share: 0.0,
            gb_per_s: 0.0,
            gflop_per_s: None,
        });
        row.calls += 1;
        row.total_ms += own * 1e3;
        let total = work.entry(name).or_default();
        total.0 += dispatch.bindings.iter().map(|view| view.bytes()).sum::<u64>();
        total.1 += dispatch.flops;
    }
    let sum_ms: f64 = rows.values().map(|row| row.total_ms).sum();
    for (name, row) in &mut rows {
        let (bytes, flops) = work[name];
        row.share = row.total_ms / sum_ms;
        row.gb_per_s = bytes as f64 / row.total_ms / 1e6;
        row.gflop_per_s = (flops > 0).then(|| flops as f64 / row.total_ms / 1e6);
    }
    let mut kernels: Vec<KernelRow> = rows.into_values().collect();
    kernels.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms));
    let (device, model) = (gpu.description(), network.name.clone());
    Ok(Profile { device, model, batch: config.batch, kernels, step_s, sum_s: sum_ms / 1e3 })
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        writeln!(f, "{}, batch {} on {}", self.model, self.batch, self.device)?;
        writeln!(
            f,
            "{:<28} {:>5} {:>10} {:>7} {:>8} {:>9}",
            "kernel", "calls", "ms", "share", "GB/s", "GFLOP/s"
        )?;
        for row in &self.kernels {
            let flops = row.gflop_per_s.map_or("-".to_owned(), |g| format!("{g:.1}"));
            writeln!(
                f,
                "{:<28} {:>5} {:>10.3} {:>6.1}% {:>8.2} {flops:>9}",
                row.kernel,
                row.calls,
                row.total_ms,
                100.0 * row.share,
                row.gb_per_s
            )?;
        }
        write!(
            f,
            "sum of passes {:.2} ms, step in one pass {:.2} ms: each pass adds its own start and end",
            self.sum_s * 1e3,
            self.step_s * 1e3
        )
    }
}
