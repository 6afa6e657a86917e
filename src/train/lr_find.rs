//! The learning rate range test: one training run whose rate rises geometrically from step to step (Smith, arXiv
//! 1506.01186, in Geron's form).

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::dataset::DeviceImages;
use super::initial::{Beginning, initial_weights};
use super::settings::{split_kind, step_settings};
use super::trainer::Trainer;
use crate::config::RunConfig;
use crate::data::{Dataset, order};
use crate::gpu::Gpu;
use crate::kernels::conv::Choices;
use crate::nn::Network;
use crate::{Error, Result};

/// Steps of the sweep where the configuration does not say: an epoch of CIFAR-10 by 128.
const STEPS: u32 = 391;
/// Share of the old mean that stays in the smoothed loss.
const SMOOTHING: f64 = 0.9;
/// The sweep ends where the smoothed loss is so many times the lowest.
const EXPLODED: f64 = 4.0;
/// Steps between two looks at the losses.
const LOOK: usize = 20;

/// The rates to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sweep {
    from: f64,
    to: f64,
}

impl Sweep {
    /// From `from` to `to`, both above 0 and at most 100.
    ///
    /// # Errors
    /// Rates outside of that, or not ascending.
    pub fn new(from: f64, to: f64) -> Result<Self> {
        if from > 0.0 && from < to && to <= 100.0 {
            return Ok(Self { from, to });
        }
        Err(Error::usage(format!(
            "--from {from} --to {to}: expected ascending learning rates above 0 and at most 100, such as 1e-5 and 10"
        )))
    }

    /// The rate of a step.
    fn lr(self, step: usize, steps: usize) -> f64 {
        self.from * (self.to / self.from).powf(step as f64 / (steps.max(2) - 1) as f64)
    }
}

/// A step of the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SweepPoint {
    /// Its learning rate.
    pub lr: f64,
    /// Mean loss of its batch.
    pub loss: f64,
    /// The losses so far, smoothed.
    pub smoothed: f64,
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LrFound {
    /// Every step until the loss exploded.
    pub points: Vec<SweepPoint>,
    /// The rate at the lowest smoothed loss.
    pub lowest: f64,
    /// That loss.
    pub lowest_loss: f64,
    /// A tenth of that rate.
    pub suggestion: f64,
}

impl LrFound {
    /// Judges the losses of a sweep, in order; those after the explosion are left out.
    ///
    /// # Errors
    /// No loss that is a number.
    pub fn of(losses: &[(f64, f64)]) -> Result<Self> {
        let (mut mean, mut points): (f64, Vec<SweepPoint>) = (0.0, Vec::new());
        let mut best: Option<SweepPoint> = None;
        for (index, &(lr, loss)) in losses.iter().enumerate() {
            mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
            // The mean starts at 0: this takes its share out.
            let smoothed = mean / (1.0 - SMOOTHING.powi(index as i32 + 1));
            let exploded = best.is_some_and(|best| smoothed > EXPLODED * best.smoothed);
            if !smoothed.is_finite() || exploded {
                break;
            }
            let point = SweepPoint { lr, loss, smoothed };
            if best.is_none_or(|best| smoothed < best.smoothed) {
                best = Some(point);
            }
            points.push(point);
        }
        let Some(best) = best else {
            return Err(Error::usage(
                "the loss is no number from the first step on: start the sweep lower, with --from",
            ));
        };
        Ok(Self { points, lowest: best.lr, lowest_loss: best.smoothed, suggestion: best.lr / 10.0 })
    }
}

/// Trains over the sweep's rates, with everything else as configured, for the configured steps (391 without).
///
/// # Errors
/// A configuration that does not fit the data, a lost device, or [`Error::Interrupted`].
pub fn lr_find(
    gpu: &Gpu,
    config: &RunConfig,
    network: &Network,
    dataset: &Dataset,
    choices: Choices,
    sweep: Sweep,
    stop: &AtomicBool,
) -> Result<LrFound> {
    let split = split_kind(config)?.split(&dataset.train.labels, dataset.classes.len(), config.seed)?;
    let chosen = choices.clone();
    let settings = step_settings(config, &dataset.train, &split.train, choices);
    let images = DeviceImages::place(gpu, config, &dataset.train)?;
    let mut trainer = Trainer::new(gpu, network, &images, split.train.len(), settings)?;
    let (weights, choices) = (&trainer.weights, &chosen);
    let beginning =
        Beginning { gpu, config, network, weights, images: &dataset.train, data: &images, choices };
    beginning.set(initial_weights(config, network)?, &split.train)?;
    trainer.optimizer.begin(gpu, &trainer.weights)?;
    let steps = config.steps.unwrap_or(STEPS) as usize;
    let (per_epoch, mut losses) = (trainer.steps_per_epoch(), Vec::new());
    for epoch in 0..steps.div_ceil(per_epoch) {
        let first = epoch * per_epoch;
        let rates: Vec<f64> = (first..first + per_epoch).map(|step| sweep.lr(step, steps)).collect();
        let narrow: Vec<f32> = rates.iter().map(|&lr| lr as f32).collect();
        let order = order::epoch_order(&split.train, config.seed, epoch as u32);
        trainer.begin_epoch(epoch as u32, &order, &narrow, first as u32, 0)?;
        let here = per_epoch.min(steps - first);
        for record in 0..here {
            trainer.step(record)?;
            if (record + 1) % LOOK != 0 && record + 1 != here {
                continue;
            }
            let records = trainer.records()?;
            let loss = |record: usize| f64::from(records[record][0]) / trainer.images_of(record) as f64;
            losses.truncate(first);
            losses.extend((0..=record).map(|record| (rates[record], loss(record))));
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted("stopped: no learning rate was found".into()));
            }
            let found = LrFound::of(&losses)?;
            if found.points.len() < losses.len() {
                return Ok(found);
            }
        }
    }
    LrFound::of(&losses)
}
