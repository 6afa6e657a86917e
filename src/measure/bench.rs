//! Throughput of whole training steps.

use std::time::Instant;

use serde::Serialize;

use super::subject::{Subject, median};
use super::tune::{Effort, tune};
use crate::Result;
use crate::config::RunConfig;
use crate::gpu::Gpu;
use crate::nn::Network;
use crate::train::{build_network, precision};

/// Steps that are timed where the configuration gives no number.
pub const STEPS: u32 = 20;
/// Most steps that are timed by the device's own clock.
const DEVICE_STEPS: u32 = 5;
/// Most steps of the epoch that is submitted without waiting.
const EPOCH: u32 = 1000;

/// What was measured, and where.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Name and driver of the device.
    pub device: String,
    /// The model.
    pub model: String,
    /// Factor on its channels.
    pub width: u32,
    /// The activation's SPEC.
    pub activation: String,
    /// Images of a step.
    pub batch: u32,
    /// Steps timed; where two networks take turns, of each.
    pub steps: u32,
}

impl Measured {
    pub(super) fn new(gpu: &Gpu, network: &Network, config: &RunConfig, steps: u32) -> Self {
        Self {
            device: gpu.description(),
            model: network.name.clone(),
            width: config.width,
            activation: config.activation.clone(),
            batch: config.batch,
            steps,
        }
    }
}

/// The result of a bench of steps. Times are in seconds, memory in bytes.
#[derive(Clone, Debug, Serialize)]
pub struct StepRow {
    /// What was measured.
    #[serde(flatten)]
    pub measured: Measured,
    /// Median of a step, each waited for.
    pub median_step_s: f64,
    /// Images of a step over its median seconds.
    pub images_per_second: f64,
    /// A step where several are under way at a time, as in training: so many steps over their number.
    pub pipelined_step_s: f64,
    /// Median of a step by the device's own clock, where it has one.
    pub gpu_step_s: Option<f64>,
    /// Median of the host's part in a step: encoding and submitting.
    pub host_step_s: f64,
    /// 10⁹ floating-point operations of convolutions and linear layers per second, forward and backward.
    pub gflops: f64,
    /// Dispatches of a step.
    pub dispatches_per_step: usize,
    /// All buffers on the device while steps run.
    pub device_bytes: u64,
    /// What values and their gradients would take with a buffer each, and the rest as it is.
    pub unshared_bytes: u64,
    /// Most of all buffers at once, from the opening of the device on.
    pub peak_device_bytes: u64,
    /// Finding and opening the device.
    pub device_open_s: f64,
    /// After that, choosing a kernel for each convolution: what is not remembered from an earlier run is compiled and measured.
    pub tuned_s: f64,
    /// After that, until everything was allocated and all pipelines were made and bound.
    pub pipelines_ready_s: f64,
    /// After that, the first step: drivers that compile at the first dispatch do it here.
    pub first_step_s: f64,
}

impl std::fmt::Display for StepRow {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let ms = |seconds: f64| format!("{:.2} ms", seconds * 1e3);
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let Measured { device, model, width, activation, batch, steps } = &self.measured;
        let width = if *width == 1 { String::new() } else { format!(" of width {width}") };
        let gpu = self.gpu_step_s.map_or(String::new(), |gpu| format!("device {}, ", ms(gpu)));
        writeln!(f, "{model}{width}, {activation}, batch {batch}, {steps} steps on {device}")?;
        writeln!(f, "  {:.1} images/s, {:.1} GFLOP/s", self.images_per_second, self.gflops)?;
        writeln!(
            f,
            "  median step {}: {gpu}host {}; {} with several under way",
            ms(self.median_step_s),
            ms(self.host_step_s),
            ms(self.pipelined_step_s)
        )?;
        writeln!(
            f,
            "  {} dispatches a step; {:.1} MiB ({:.0} % of unshared buffers), at most {:.1} MiB at once",
            self.dispatches_per_step,
            mib(self.device_bytes),
            100.0 * self.device_bytes as f64 / self.unshared_bytes as f64,
            mib(self.peak_device_bytes)
        )?;
        write!(
            f,
            "  start: device open in {:.2} s, kernels chosen in {:.2} s, pipelines ready in {:.2} s, first step {:.2} s",
            self.device_open_s, self.tuned_s, self.pipelines_ready_s, self.first_step_s
        )
    }
}

/// Times training steps of the configured model on random images: `config.steps` of them, or [`STEPS`].
///
/// # Errors
/// A configuration that does not fit, or a lost device.
pub fn step(gpu: &Gpu, config: &RunConfig, effort: Effort) -> Result<StepRow> {
    let steps = config.steps.unwrap_or(STEPS);
    let network = build_network(config, [32, 32, 3], 10)?;
    let started = Instant::now();
    let choices = tune(gpu, &network, config.batch as usize, precision(config), effort)?;
    let tuned_s = started.elapsed().as_secs_f64();
    let mut subject = Subject::new(gpu, &network, config, choices, steps.min(EPOCH) as usize)?;
    let first_step_s = subject.step()?.1;
    subject.step()?;
    let times = (0..steps).map(|_| subject.step()).collect::<Result<Vec<_>>>()?;
    let pipelined_step_s = subject.pipelined()?;
    let device: Option<Vec<f64>> =
        (0..steps.min(DEVICE_STEPS)).map(|_| subject.device_step()).collect::<Result<_>>()?;
    let median_step_s = median(times.iter().map(|time| time.1).collect());
    let plan = subject.plan();
    Ok(StepRow {
        measured: Measured::new(gpu, &network, config, steps),
        median_step_s,
        images_per_second: f64::from(config.batch) / median_step_s,
        pipelined_step_s,
        gpu_step_s: device.map(median),
        host_step_s: median(times.iter().map(|time| time.0).collect()),
        gflops: plan.flops() as f64 / median_step_s / 1e9,
        dispatches_per_step: plan.len(),
        device_bytes: gpu.live_bytes(),
        unshared_bytes: gpu.live_bytes() - subject.shared_bytes()
            + network.unshared_bytes(config.batch as usize),
        peak_device_bytes: gpu.peak_bytes(),
        device_open_s: gpu.opened_in().as_secs_f64(),
        tuned_s,
        pipelines_ready_s: subject.ready_s,
        first_step_s,
    })
}
