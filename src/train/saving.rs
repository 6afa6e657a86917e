//! When a run's state is written, and what is in it.

use std::time::{Duration, Instant};

use super::assemble::Device;
use super::checkpoint::{Checkpoint, Progress};
use super::divergence::first_diverged;
use super::evaluate::Evaluation;
use super::run::Run;
use super::trainer::Trainer;
use super::watch::monitored;
use crate::config::{CheckpointConfig, ScheduleKind};
use crate::kernels::conv::Precision;
use crate::{Error, Result};

/// Counts steps and minutes since the last checkpoint.
pub(super) struct SaveClock {
    config: CheckpointConfig,
    saved: Instant,
    step: u32,
}

impl SaveClock {
    pub(super) fn new(config: &CheckpointConfig, step: u32) -> Self {
        Self { config: config.clone(), saved: Instant::now(), step }
    }

    /// Whether a checkpoint is due after step `step` of the run.
    pub(super) fn due(&self, step: u32) -> bool {
        let minutes = self.config.minutes;
        self.config.steps.is_some_and(|steps| step - self.step >= steps)
            || minutes > 0.0 && self.saved.elapsed() >= Duration::from_secs_f64(60.0 * minutes)
    }

    pub(super) fn saved(&mut self, step: u32) {
        (self.saved, self.step) = (Instant::now(), step);
    }
}

impl Run<'_> {
    pub(super) fn capture(&self, device: &Device, records: &[[f32; 2]]) -> Result<Checkpoint> {
        self.capture_from(&device.trainer, records)
    }

    fn capture_from(&self, trainer: &Trainer, records: &[[f32; 2]]) -> Result<Checkpoint> {
        let mut progress = self.progress.clone();
        if self.choices().precision() == Precision::Mixed {
            let scale = trainer.weights.loss_scale(self.gpu)?;
            let skipped = scale.skipped + scale.overflow;
            tracing::info!("loss scale {}, {skipped} steps left out so far", scale.scale);
            progress.loss_scale = Some(scale);
        }
        let Trainer { weights, optimizer, .. } = trainer;
        let mut checkpoint = Checkpoint::capture(self.gpu, &self.network, weights, progress, records)?;
        optimizer.capture(self.gpu, &self.network, weights, &mut checkpoint)?;
        Ok(checkpoint)
    }

    /// Writes the newest checkpoint; the one before it is kept too.
    pub(super) fn save(&self, checkpoint: &Checkpoint) -> Result<()> {
        checkpoint.write_keeping(&self.folder.last(), &self.folder.previous())
    }

    /// The state in the middle of an epoch, once all steps are done; `None` where it has diverged.
    pub(super) fn state_in_epoch(&mut self, trainer: &mut Trainer) -> Result<Option<Checkpoint>> {
        trainer.finish()?;
        let done = self.progress.record as usize;
        let records = trainer.records()?;
        let checkpoint = self.capture_from(trainer, &records[..done])?;
        let diverged = first_diverged(&records[..done], |record| trainer.images_of(record)).is_some();
        Ok(if diverged || checkpoint.not_finite().is_some() { None } else { Some(checkpoint) })
    }

    /// Notes whether the epoch that has just ended was the best one; without validation the last is the best.
    pub(super) fn judge_epoch(&mut self, validation: Option<&Evaluation>) -> bool {
        let accuracy = validation.map(|v| v.accuracy);
        let better = validation.is_none_or(|validation| self.watch(validation)) || self.progress.epoch == 1;
        self.progress.last_val_accuracy = accuracy;
        if better {
            self.progress.best_epoch = self.progress.epoch;
            self.progress.best_val_accuracy = accuracy;
        }
        better
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

    /// Puts a checkpoint's state onto the device and goes on from there.
    pub(super) fn put_back(&mut self, device: &Device, checkpoint: &Checkpoint) -> Result<()> {
        let Trainer { weights, optimizer, .. } = &device.trainer;
        checkpoint.restore_weights(&self.folder.last(), self.gpu, &self.network, weights)?;
        optimizer.restore(self.gpu, &self.network, weights, checkpoint)?;
        device.trainer.set_records(&checkpoint.records())?;
        if let Some(progress) = checkpoint.progress.clone() {
            let own = std::mem::take(&mut self.progress);
            let Progress { version, config, device, lr_factor, rollbacks, .. } = own;
            self.progress = Progress { version, config, device, lr_factor, rollbacks, ..progress };
        }
        if let Some(scale) = self.progress.loss_scale {
            weights.set_loss_scale(self.gpu, scale)?;
        }
        Ok(())
    }

    /// Writes the checkpoint of a run that a signal ends in the middle of an epoch.
    pub(super) fn interrupt(&mut self, trainer: &mut Trainer) -> Result<Error> {
        let done = self.progress.record;
        let (root, epoch) = (self.folder.root().display().to_string(), self.progress.epoch + 1);
        let kept = match self.state_in_epoch(trainer)? {
            Some(checkpoint) => {
                self.save(&checkpoint)?;
                ""
            }
            None => " (it has diverged: the checkpoint is the one before)",
        };
        Ok(Error::Interrupted(format!(
            "stopped at step {done} of epoch {epoch}{kept}: go on with `wgrad train --resume {root}`"
        )))
    }
}
