//! A network in training on random images: what benches and profiles run.

use std::time::Instant;

use crate::Result;
use crate::config::RunConfig;
use crate::data::Images;
use crate::gpu::{Clock, Gpu, Plan, Span};
use crate::kernels::conv::Choices;
use crate::nn::Network;
use crate::rng::{Sequence, Stream};
use crate::train::{DeviceImages, StepSettings, Trainer, step_settings};

/// Low enough that random labels do no harm.
const RATE: f32 = 1e-3;

/// A network in training. Its epoch goes over one batch of images again and again.
pub(super) struct Subject<'a> {
    gpu: &'a Gpu,
    trainer: Trainer<'a>,
    order: Vec<u32>,
    rates: Vec<f32>,
    /// Steps that were run.
    steps: u32,
    /// Seconds until everything was allocated, compiled and bound.
    pub(super) ready_s: f64,
}

impl<'a> Subject<'a> {
    /// The configured step of `network`, with epochs of `epoch` steps.
    pub(super) fn new(
        gpu: &'a Gpu,
        network: &'a Network,
        config: &RunConfig,
        choices: Choices,
        epoch: usize,
    ) -> Result<Self> {
        let batch = config.batch as usize;
        let images = random_images(batch);
        let all: Vec<u32> = (0..config.batch).collect();
        let configured = step_settings(config, &images, &all, choices);
        let settings = StepSettings { eval_batch: 1, smaller_last: false, ..configured };
        let data = DeviceImages::upload(gpu, &images)?;
        let started = Instant::now();
        let trainer = Trainer::new(gpu, network, &data, batch * epoch, settings)?;
        trainer.weights.initialize(gpu, network, config.seed)?;
        let ready_s = started.elapsed().as_secs_f64();
        gpu.save_pipeline_cache();
        Ok(Self { gpu, trainer, order: all.repeat(epoch), rates: vec![RATE; epoch], steps: 0, ready_s })
    }

    /// The plan of a step.
    pub(super) fn plan(&self) -> &Plan {
        self.trainer.plan()
    }

    /// Bytes of the values and of the gradients that they share.
    pub(super) fn shared_bytes(&self) -> u64 {
        self.trainer.value_bytes()
    }

    fn begin(&mut self) -> Result<()> {
        self.trainer.begin_epoch(0, &self.order, &self.rates, self.steps, 0)
    }

    /// Seconds of one step: until it was submitted, and until it was done.
    pub(super) fn step(&mut self) -> Result<(f64, f64)> {
        self.begin()?;
        self.steps += 1;
        let started = Instant::now();
        self.trainer.step(0)?;
        let submitted = started.elapsed().as_secs_f64();
        self.trainer.finish()?;
        Ok((submitted, started.elapsed().as_secs_f64()))
    }

    /// Seconds of one step by the device's own clock; none where it has no timestamps.
    pub(super) fn device_step(&mut self) -> Result<Option<f64>> {
        if !self.gpu.has_timestamps() {
            return Ok(None);
        }
        self.begin()?;
        self.steps += 1;
        Ok(Some(self.plan().time(self.gpu)?.as_secs_f64()))
    }

    /// When each dispatch of one step ran.
    pub(super) fn dispatches(&mut self, clock: Clock) -> Result<Vec<Span>> {
        self.begin()?;
        self.steps += 1;
        self.plan().time_dispatches(self.gpu, clock)
    }

    /// Seconds of an epoch over its steps, submitted as in training: several are under way at a time.
    pub(super) fn pipelined(&mut self) -> Result<f64> {
        self.begin()?;
        let count = self.rates.len();
        self.steps += count as u32;
        let started = Instant::now();
        (0..count).try_for_each(|record| self.trainer.step(record))?;
        self.trainer.finish()?;
        Ok(started.elapsed().as_secs_f64() / count as f64)
    }
}

fn random_images(count: usize) -> Images {
    let mut sequence = Sequence::new(0, Stream::Test, 0, 0);
    let mut images = Images::empty(32, 32);
    images.pixels = (0..count * images.image_bytes()).map(|_| sequence.word() as u8).collect();
    images.labels = (0..count).map(|_| sequence.below(10) as u8).collect();
    images
}

/// The middle value, the upper one of two.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
