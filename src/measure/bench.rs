//! Throughput of whole training steps.

use std::time::Instant;

use serde::Serialize;

use super::tune::{Effort, tune};
use crate::config::RunConfig;
use crate::data::Images;
use crate::gpu::Gpu;
use crate::kernels::augment::Normalize;
use crate::kernels::conv::Choices;
use crate::kernels::optimizer::Sgd;
use crate::nn::Network;
use crate::rng::{Sequence, Stream};
use crate::train::{DeviceImages, StepSettings, Trainer, build_network};
use crate::{Error, Result};

/// The result of a bench of steps.
#[derive(Clone, Debug, Serialize)]
pub struct StepRow {
    /// Name and driver of the device.
    pub device: String,
    /// The model.
    pub model: String,
    /// The activation's SPEC.
    pub activation: String,
    /// Images of a step.
    pub batch: u32,
    /// Steps timed.
    pub steps: u32,
    /// Median seconds of a step, each waited for.
    pub median_step_s: f64,
    /// Images of a step over its median seconds.
    pub images_per_second: f64,
    /// 10⁹ floating-point operations of convolutions and linear layers per second, forward and backward.
    pub gflops: f64,
    /// Dispatches of a step.
    pub dispatches_per_step: usize,
    /// Bytes of all device buffers.
    pub device_bytes: u64,
    /// Seconds until all pipelines were compiled and bound.
    pub pipelines_ready_s: f64,
    /// Seconds of the first step: drivers that compile at the first dispatch do it here.
    pub first_step_s: f64,
    /// Host seconds of a step: encoding and submitting.
    pub host_step_s: f64,
}

impl std::fmt::Display for StepRow {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        writeln!(
            f,
            "{}, {}, batch {}, {} steps on {}",
            self.model, self.activation, self.batch, self.steps, self.device
        )?;
        writeln!(f, "  {:.1} images/s, {:.1} GFLOP/s", self.images_per_second, self.gflops)?;
        writeln!(
            f,
            "  median step {:.2} ms, host {:.2} ms",
            self.median_step_s * 1e3,
            self.host_step_s * 1e3
        )?;
        writeln!(
            f,
            "  {} dispatches a step, {:.1} MiB",
            self.dispatches_per_step,
            self.device_bytes as f64 / 1048576.0
        )?;
        write!(
            f,
            "  pipelines ready in {:.2} s, first step {:.2} s",
            self.pipelines_ready_s, self.first_step_s
        )
    }
}

/// A network in training on random images: what benches and profiles run.
pub(super) struct Subject<'a> {
    pub(super) trainer: Trainer<'a>,
    order: Vec<u32>,
    steps: u32,
    pub(super) ready_s: f64,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        gpu: &'a Gpu,
        network: &'a Network,
        config: &RunConfig,
        choices: Choices,
    ) -> Result<Self> {
        let batch = config.batch as usize;
        let data = DeviceImages::upload(gpu, &random_images(batch))?;
        let settings = StepSettings {
            batch,
            eval_batch: 1,
            smaller_last: false,
            crop: 4,
            flip: true,
            normalize: Normalize::PerImage,
            label_smoothing: 0.0,
            sgd: Sgd { momentum: 0.9, nesterov: false },
            weight_decay: 1e-4,
            decay_kernels_only: false,
            seed: config.seed,
            choices,
        };
        let started = Instant::now();
        let trainer = Trainer::new(gpu, network, &data, batch, settings)?;
        trainer.weights.initialize(gpu, network, config.seed)?;
        let ready_s = started.elapsed().as_secs_f64();
        gpu.save_pipeline_cache();
        Ok(Self { trainer, order: (0..batch as u32).collect(), steps: 0, ready_s })
    }

    /// Seconds of one step: until it was submitted, and until it was done.
    pub(super) fn step(&mut self) -> Result<(f64, f64)> {
        self.trainer.begin_epoch(&self.order, &[1e-3], self.steps, 0)?;
        self.steps += 1;
        let started = Instant::now();
        self.trainer.step(0)?;
        let submitted = started.elapsed().as_secs_f64();
        self.trainer.finish()?;
        Ok((submitted, started.elapsed().as_secs_f64()))
    }
}

/// Times training steps of the configured model on random images.
///
/// # Errors
/// A configuration that does not fit, or a lost device.
pub fn step(gpu: &Gpu, config: &RunConfig, effort: Effort, steps: u32) -> Result<StepRow> {
    if steps == 0 {
        return Err(Error::usage("steps must be at least 1"));
    }
    let network = build_network(config, [32, 32, 3], 10)?;
    let choices = tune(gpu, &network, config.batch as usize, effort)?;
    let before = gpu.allocated().1;
    let mut subject = Subject::new(gpu, &network, config, choices)?;
    let first_step_s = subject.step()?.1;
    subject.step()?;
    let times = (0..steps).map(|_| subject.step()).collect::<Result<Vec<_>>>()?;
    let median_step_s = median(times.iter().map(|time| time.1).collect());
    let plan = subject.trainer.plan();
    Ok(StepRow {
        device: gpu.description(),
        model: network.name.clone(),
        activation: config.activation.clone(),
        batch: config.batch,
        steps,
        median_step_s,
        images_per_second: f64::from(config.batch) / median_step_s,
        gflops: plan.flops() as f64 / median_step_s / 1e9,
        dispatches_per_step: plan.len(),
        device_bytes: gpu.allocated().1 - before,
        pipelines_ready_s: subject.ready_s,
        first_step_s,
        host_step_s: median(times.iter().map(|time| time.0).collect()),
    })
}

fn random_images(count: usize) -> Images {
    let mut sequence = Sequence::new(0, Stream::Test, 0, 0);
    let mut images = Images::empty(32, 32);
    images.pixels = (0..count * images.image_bytes()).map(|_| sequence.word() as u8).collect();
    images.labels = (0..count).map(|_| sequence.below(10) as u8).collect();
    images
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
