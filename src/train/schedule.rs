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

    /// Learning rate of a step (0-based) of a run of `epochs` epochs; on a plateau less, by [`super::Plateau`].
    ///
    /// With W the steps of warm-up and T those of the whole run:
    /// * warm-up, step < W: times (step + 1) / W, so that its last step has the full rate, or times `warmup_share` throughout;
    /// * steps: lr * gamma^(milestones reached), or lr * factor of the last one reached; a milestone of m epochs is reached
    ///   from step round(m * `steps_per_epoch`) on, as PyTorch's `MultiStepLR` for whole m;
    /// * cosine: lr * (1 + cos(pi * (step - W) / (T - W))) / 2 after the warm-up, 0 from T on;
    /// * exponential: lr * gamma^(step / (`decay_epochs` * `steps_per_epoch`)), the exponent rounded down with `staircase`;
    /// * triangle, with P = floor(`peak` * T): lr * (start + (1 - start) * step / P) before P, then lr * (1 - (1 - end) * (step - P)
    ///   / (T - P)), lr * end from T on;
    /// * one cycle: see [`ScheduleKind::OneCycle`].
    pub fn lr_at(&self, step: u64, steps_per_epoch: u64, epochs: u32) -> f64 {
        let all = u64::from(epochs) * steps_per_epoch;
        let steps_in = |epochs: f64| (epochs * steps_per_epoch as f64).round() as u64;
        let warmup = steps_in(self.config.warmup_epochs);
        let rise = match self.config.warmup_share {
            _ if step >= warmup => 1.0,
            Some(share) => share,
            None => (step + 1) as f64 / warmup as f64,
        };
        let decay = match self.config.kind {
            ScheduleKind::Constant | ScheduleKind::Plateau => 1.0,
            ScheduleKind::Steps => {
                let reached = self.config.milestones.iter().filter(|m| step >= steps_in(**m)).count();
                match &self.config.factors {
                    Some(factors) => reached.checked_sub(1).map_or(1.0, |last| factors[last]),
                    None => self.config.gamma.powi(reached as i32),
                }
            }
            ScheduleKind::Cosine => cosine(step, warmup, all),
            ScheduleKind::Exponential => {
                let times = step as f64 / (self.config.decay_epochs * steps_per_epoch as f64);
                self.config.gamma.powf(if self.config.staircase { times.floor() } else { times })
            }
            ScheduleKind::OneCycle => one_cycle(step, all),
            ScheduleKind::Triangle => self.triangle(step, all),
        };
        self.lr * rise * decay
    }

    fn triangle(&self, step: u64, all: u64) -> f64 {
        let ScheduleConfig { start, peak, end, .. } = self.config;
        let peak = (peak * all as f64).floor() as u64;
        if step < peak {
            return start + (1.0 - start) * (step as f64 / peak as f64);
        }
        let share = (step.min(all) - peak) as f64 / (all - peak).max(1) as f64;
        1.0 - (1.0 - end) * share
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

/// Shares of the largest rate: 1/10 up to 1 and back to 1/10, in halves of all steps but the last tenth, then down to
/// 1/10,000 (`OneCycleScheduler` of Geron's notebook, which rounds the last tenth up by one step).
fn one_cycle(step: u64, all: u64) -> f64 {
    let last = all / 10 + 1;
    let half = all.saturating_sub(last) / 2;
    let between = |from: u64, to: u64, a: f64, b: f64| {
        let share = (step.min(to) - from) as f64 / (to - from).max(1) as f64;
        a * (1.0 - share) + b * share
    };
    if step < half {
        between(0, half, 0.1, 1.0)
    } else if step < 2 * half {
        between(half, 2 * half, 1.0, 0.1)
    } else {
        between(2 * half, all.max(2 * half), 0.1, 1e-4)
    }
}
