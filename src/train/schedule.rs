//! The learning rate of every optimizer step.

use std::f64::consts::PI;

use crate::config::{RunConfig, ScheduleConfig, ScheduleKind};

/// The learning rate as a function of the step.
#[derive(Clone, Debug)]
pub struct Schedule {
    lr: f64,
    config: ScheduleConfig,
}

impl Schedule {
    /// The schedule of a run, from `optimizer.lr` and `[schedule]`.
    pub fn new(config: &RunConfig) -> Self {
        Self { lr: config.optimizer.lr, config: config.schedule.clone() }
    }

    /// Learning rate of a step (0-based) of a run of `epochs` epochs.
    ///
    /// With W the steps of warm-up and T those of the whole run:
    /// * warm-up, step < W: times (step + 1) / W, so that its last step has the full rate;
    /// * steps: lr * gamma^(milestones reached), a milestone of m epochs being reached from step round(m *
    ///   `steps_per_epoch`) on, as PyTorch's `MultiStepLR` for whole m;
    /// * cosine: lr * (1 + cos(pi * (step - W) / (T - W))) / 2 after the warm-up, 0 from T on.
    pub fn lr_at(&self, step: u64, steps_per_epoch: u64, epochs: u32) -> f64 {
        let steps_in = |epochs: f64| (epochs * steps_per_epoch as f64).round() as u64;
        let warmup = steps_in(self.config.warmup_epochs);
        let rise = if step < warmup { (step + 1) as f64 / warmup as f64 } else { 1.0 };
        let decay = match self.config.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Steps => {
                let reached = self.config.milestones.iter().filter(|m| step >= steps_in(**m)).count();
                self.config.gamma.powi(reached as i32)
            }
            ScheduleKind::Cosine => cosine(step, warmup, u64::from(epochs) * steps_per_epoch),
        };
        self.lr * rise * decay
    }
}

/// Half a cosine from 1 at `start` to 0 at `end`; 1 before, 0 after.
fn cosine(step: u64, start: u64, end: u64) -> f64 {
    if step <= start {
        return 1.0;
    }
    if step >= end {
        return 0.0;
    }
    0.5 * (1.0 + (PI * (step - start) as f64 / (end - start) as f64).cos())
}
