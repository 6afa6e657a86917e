//! One epoch of a run: its steps, its validation, its checkpoint, and the stop in the middle of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::evaluate::Evaluation;
use super::metrics::EpochMetrics;
use super::run::{Device, Run};
use super::trainer::Trainer;
use super::watch::monitored;
use crate::config::ScheduleKind;
use crate::data::order;
use crate::kernels::conv::Precision;
use crate::{Error, Result};

/// Time between readbacks of the records: what an eye follows; each is a submission of its own.
const READBACK: Duration = Duration::from_millis(200);

/// What has happened since the epoch began.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Steps submitted in this epoch.
    pub record: usize,
    /// Steps of the epoch.
    pub steps_per_epoch: usize,
    /// Steps of the whole run so far.
    pub step: u32,
    /// Steps that the whole run will have.
    pub total_steps: u32,
    /// Images per second since this process began the epoch.
    pub images_per_second: f64,
    /// Mean loss of the epoch's steps that are known so far.
    pub loss: Option<f64>,
    /// Share of right answers of those.
    pub accuracy: Option<f64>,
}

/// Who watches a run: a progress bar, a log, a test.
pub trait Observer {
    /// After each submitted step.
    fn step(&mut self, _report: &StepReport) {}
    /// After each epoch.
    fn epoch(&mut self, _metrics: &EpochMetrics) {}
}

impl Run<'_> {
    /// One epoch, or what is left of it.
    pub(super) fn epoch(
        &mut self,
        device: &mut Device,
        total_steps: u32,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<EpochMetrics> {
        let started = Instant::now();
        let epoch = self.progress.epoch;
        let trainer = &mut device.trainer;
        let steps_per_epoch = trainer.steps_per_epoch();
        let first_step = u64::from(self.progress.step - self.progress.record);
        let rate = |record: u64| {
            let lr = self.schedule.lr_at(first_step + record, steps_per_epoch as u64, self.config.epochs);
            (lr * self.progress.plateau.share) as f32
        };
        let rates: Vec<f32> = (0..steps_per_epoch as u64).map(rate).collect();
        let order = order::epoch_order(&self.split.train, self.config.seed, epoch);
        trainer.begin_epoch(epoch, &order, &rates, self.progress.step, self.progress.record as usize)?;
        let images = match self.steps(trainer, total_steps, started, observer, stop)? {
            Some(images) => images,
            None => return Err(self.interrupt(device, started)?),
        };
        trainer.finish()?;
        let seconds = started.elapsed().as_secs_f64();
        let done = self.progress.record as usize;
        let (train_loss, train_accuracy) = self.means(trainer, &trainer.records()?[..done]);
        let lr = f64::from(rates[done - 1]);
        let validation = self.validate(device)?;
        self.progress.seconds += started.elapsed().as_secs_f64();
        self.progress.epoch += 1;
        self.progress.record = 0;
        self.keep(device, validation.as_ref())?;
        Ok(EpochMetrics {
            epoch: epoch + 1,
            step: u64::from(self.progress.step),
            lr,
            train_loss,
            train_accuracy,
            val_loss: validation.as_ref().map(|v| v.loss),
            val_accuracy: validation.as_ref().map(|v| v.accuracy),
            seconds: started.elapsed().as_secs_f64(),
            images_per_second: images as f64 / seconds,
        })
    }

    /// Submits what is left of the epoch and gives its number of images, or none where `stop` was set.
    fn steps(
        &mut self,
        trainer: &mut Trainer,
        total_steps: u32,
        started: Instant,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Option<usize>> {
        let mut images = 0;
        let mut known = None;
        let mut asked: Option<Instant> = None;
        let steps_per_epoch = trainer.steps_per_epoch();
        while (self.progress.record as usize) < steps_per_epoch && self.progress.step < total_steps {
            let record = self.progress.record as usize;
            trainer.step(record)?;
            images += trainer.images_of(record);
            self.progress.record += 1;
            self.progress.step += 1;
            if let Some(records) = trainer.poll_records()? {
                known = Some(self.means(trainer, &records[..record.saturating_sub(3).min(records.len())]));
            }
            if asked.is_none_or(|asked| asked.elapsed() > READBACK) {
                trainer.ask_records();
                asked = Some(Instant::now());
            }
            observer.step(&StepReport {
                epoch: self.progress.epoch + 1,
                record: record + 1,
                steps_per_epoch,
                step: self.progress.step,
                total_steps,
                images_per_second: images as f64 / started.elapsed().as_secs_f64(),
                loss: known.map(|means: (f64, f64)| means.0).filter(|loss| loss.is_finite()),
                accuracy: known.map(|means| means.1).filter(|accuracy| accuracy.is_finite()),
            });
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
        Ok(Some(images))
    }

    /// Mean loss and accuracy of the epoch's first steps.
    fn means(&self, trainer: &Trainer, records: &[[f32; 2]]) -> (f64, f64) {
        let images: usize = (0..records.len()).map(|record| trainer.images_of(record)).sum();
        let sum = |part: usize| records.iter().map(|record| f64::from(record[part])).sum::<f64>();
        (sum(0) / images as f64, sum(1) / images as f64)
    }

    fn validate(&self, device: &Device) -> Result<Option<Evaluation>> {
        let Some(evaluator) = &device.validation else { return Ok(None) };
        let optimizer = &device.trainer.optimizer;
        optimizer.swap(self.gpu);
        let logits = evaluator.logits(self.gpu, &self.split.val)?;
        optimizer.swap(self.gpu);
        let labels: Vec<u8> = self.split.val.iter().map(|&i| self.dataset.train.labels[i as usize]).collect();
        Ok(Some(Evaluation::of(&logits, &labels, self.network.classes)))
    }

    /// Writes the checkpoint of a finished epoch, and the best one where it is; without validation the last is the best.
    fn keep(&mut self, device: &Device, validation: Option<&Evaluation>) -> Result<()> {
        let accuracy = validation.map(|v| v.accuracy);
        let better = validation.is_none_or(|validation| self.watch(validation)) || self.progress.epoch == 1;
        self.progress.last_val_accuracy = accuracy;
        if better {
            self.progress.best_epoch = self.progress.epoch;
            self.progress.best_val_accuracy = accuracy;
        }
        let checkpoint = self.capture(device, &[])?;
        if better {
            checkpoint.write(&self.folder.best())?;
        }
        checkpoint.write(&self.folder.last())
    }

    /// Shows an epoch's validation to all that watch it; whether it is the best.
    fn watch(&mut self, validation: &Evaluation) -> bool {
        let (config, progress) = (&self.config, &mut self.progress);
        let value = monitored(config.monitor, validation);
        progress.stopping.see(value, config.early_stopping.min_delta);
        if config.schedule.kind == ScheduleKind::Plateau {
            progress.plateau.see(value, &config.schedule, config.optimizer.lr);
        }
        progress.best.see(value, 0.0)
    }

    fn capture(&self, device: &Device, records: &[[f32; 2]]) -> Result<Checkpoint> {
        let mut progress = self.progress.clone();
        if self.choices().precision() == Precision::Mixed {
            let scale = device.trainer.weights.loss_scale(self.gpu)?;
            let skipped = scale.skipped + scale.overflow;
            tracing::info!("loss scale {}, {skipped} steps left out so far", scale.scale);
            progress.loss_scale = Some(scale);
        }
        let Trainer { weights, optimizer, .. } = &device.trainer;
        let mut checkpoint = Checkpoint::capture(self.gpu, &self.network, weights, progress, records)?;
        optimizer.capture(self.gpu, &self.network, weights, &mut checkpoint)?;
        Ok(checkpoint)
    }

    /// Writes the checkpoint in the middle of an epoch.
    fn interrupt(&mut self, device: &mut Device, started: Instant) -> Result<Error> {
        device.trainer.finish()?;
        self.progress.seconds += started.elapsed().as_secs_f64();
        let records = device.trainer.records()?;
        let done = self.progress.record as usize;
        self.capture(device, &records[..done])?.write(&self.folder.last())?;
        let root = self.folder.root().display();
        Ok(Error::Interrupted(format!(
            "stopped at step {} of epoch {}: go on with `wgrad train --resume {root}`",
            done,
            self.progress.epoch + 1
        )))
    }
}
