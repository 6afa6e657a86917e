//! One epoch of a run: its steps, its validation, its checkpoint, and the stop in the middle of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::assemble::Device;
use super::divergence::{Divergence, first_diverged};
use super::evaluate::Evaluation;
use super::metrics::{EpochMetrics, MetricsLog};
use super::run::Run;
use super::saving::SaveClock;
use super::trainer::Trainer;
use crate::Result;
use crate::data::order;

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
    /// At the end, with the best checkpoint's results on the test images.
    fn tested(&mut self, _test: &Evaluation) {}
}

/// How an epoch's steps ended.
enum End {
    /// All are done: so many images.
    Done(usize),
    /// A loss is not finite.
    Diverged(Divergence),
    /// `stop` was set.
    Stopped,
}

impl Run<'_> {
    /// Learning rates of the epoch's steps.
    pub(super) fn rates(&self, steps_per_epoch: usize) -> Vec<f32> {
        // By epochs: with another batch, the steps so far were of another length.
        let steps = steps_per_epoch as u64;
        let first_step = u64::from(self.progress.epoch) * steps;
        let rate = |record: u64| {
            let lr = self.schedule.lr_at(first_step + record, steps, self.config.epochs);
            (lr * self.progress.lr_factor * self.progress.plateau.share) as f32
        };
        (0..steps).map(rate).collect()
    }

    /// One epoch, or what is left of it; where it diverged, nothing of it is kept.
    pub(super) fn epoch(
        &mut self,
        device: &mut Device,
        total_steps: u32,
        log: &mut MetricsLog,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Option<Divergence>> {
        let started = Instant::now();
        let before = self.progress.seconds;
        let epoch = self.progress.epoch;
        let trainer = &mut device.trainer;
        let rates = self.rates(trainer.steps_per_epoch());
        let order = order::epoch_order(&self.split.train, self.config.seed, epoch);
        self.prune(trainer)?;
        trainer.begin_epoch(epoch, &order, &rates, self.progress.step, self.progress.record as usize)?;
        let images = match self.steps(trainer, total_steps, started, observer, stop)? {
            End::Done(images) => images,
            End::Diverged(divergence) => return Ok(Some(divergence)),
            End::Stopped => return Err(self.interrupt(trainer)?),
        };
        trainer.finish()?;
        let seconds = started.elapsed().as_secs_f64();
        let done = self.progress.record as usize;
        let records = trainer.records()?;
        if let Some(divergence) = first_diverged(&records[..done], |record| trainer.images_of(record)) {
            return Ok(Some(divergence));
        }
        let (train_loss, train_accuracy) = self.means(trainer, &records[..done]);
        let validation = self.validate(device)?;
        let unfinished = (self.progress.epoch, self.progress.record);
        (self.progress.epoch, self.progress.record) = (epoch + 1, 0);
        self.progress.seconds = before + started.elapsed().as_secs_f64();
        let better = self.judge_epoch(validation.as_ref());
        let checkpoint = self.capture(device, &[])?;
        if checkpoint.not_finite().is_some() {
            (self.progress.epoch, self.progress.record) = unfinished;
            return Ok(Some(Divergence { record: done - 1, loss: f64::NAN }));
        }
        let metrics = EpochMetrics {
            epoch: epoch + 1,
            step: u64::from(self.progress.step),
            lr: f64::from(rates[done - 1]),
            train_loss,
            train_accuracy,
            val_loss: validation.as_ref().map(|v| v.loss),
            val_accuracy: validation.as_ref().map(|v| v.accuracy),
            seconds: started.elapsed().as_secs_f64(),
            images_per_second: images as f64 / seconds,
        };
        // The line comes first: a crash before the checkpoint's end repeats the epoch, and its line is cut off then.
        log.append(&metrics)?;
        if better {
            checkpoint.write(&self.folder.best())?;
        }
        self.save(&checkpoint)?;
        observer.epoch(&metrics);
        Ok(None)
    }

    /// Submits what is left of the epoch.
    fn steps(
        &mut self,
        trainer: &mut Trainer,
        total_steps: u32,
        started: Instant,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<End> {
        let before = self.progress.seconds;
        let mut images = 0;
        let mut known = None;
        let mut asked: Option<(Instant, usize)> = None;
        let mut clock = SaveClock::new(&self.config.checkpoint, self.progress.step);
        let steps_per_epoch = trainer.steps_per_epoch();
        while (self.progress.record as usize) < steps_per_epoch && self.progress.step < total_steps {
            let record = self.progress.record as usize;
            trainer.step(record)?;
            images += trainer.images_of(record);
            self.progress.record += 1;
            self.progress.step += 1;
            if let (Some(records), Some((_, steps))) = (trainer.poll_records()?, asked) {
                known = Some(self.means(trainer, &records[..steps]));
                if let Some(divergence) =
                    first_diverged(&records[..steps], |record| trainer.images_of(record))
                {
                    trainer.finish()?;
                    return Ok(End::Diverged(divergence));
                }
            }
            if asked.is_none_or(|(asked, _)| asked.elapsed() > READBACK) && trainer.ask_records() {
                asked = Some((Instant::now(), record + 1));
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
                self.progress.seconds = before + started.elapsed().as_secs_f64();
                return Ok(End::Stopped);
            }
            if clock.due(self.progress.step) && record + 1 < steps_per_epoch {
                self.progress.seconds = before + started.elapsed().as_secs_f64();
                // Numbers that are not finite show themselves in the losses.
                if let Some(checkpoint) = self.state_in_epoch(trainer)? {
                    self.save(&checkpoint)?;
                }
                clock.saved(self.progress.step);
            }
        }
        Ok(End::Done(images))
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
}
