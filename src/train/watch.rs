//! What watches the validation: which epoch is best, when the rate falls, when the run ends.

use serde::{Deserialize, Serialize};

use super::evaluate::Evaluation;
use crate::config::{EarlyStoppingConfig, Monitor, ScheduleConfig};

/// Progress of one number: the best so far, and the epochs since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// The best value, larger being better; none before the first.
    pub best: Option<f64>,
    /// Epochs since the best one.
    pub wait: u32,
}

impl Watch {
    /// Takes in an epoch's value (larger is better); whether it is the best by more than `min_delta`. A value that is
    /// no number is never better.
    pub fn see(&mut self, value: f64, min_delta: f64) -> bool {
        let better = !value.is_nan() && self.best.is_none_or(|best| value > best + min_delta);
        if better {
            *self = Self { best: Some(value), wait: 0 };
        } else {
            self.wait += 1;
        }
        better
    }
}

/// The value of an evaluation that a monitor watches, larger being better.
pub fn monitored(monitor: Monitor, evaluation: &Evaluation) -> f64 {
    match monitor {
        Monitor::ValAccuracy => evaluation.accuracy,
        Monitor::ValLoss => -evaluation.loss,
    }
}

/// The share of the learning rate that plateaus have left, as Keras' `ReduceLROnPlateau` counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// The share, 1 at first.
    pub share: f64,
    /// The monitored number.
    pub watch: Watch,
    /// Epochs left in which nothing is counted.
    pub cooldown: u32,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { share: 1.0, watch: Watch::default(), cooldown: 0 }
    }
}

impl Plateau {
    /// Takes in an epoch's value (larger is better) at a schedule of `lr`.
    pub fn see(&mut self, value: f64, config: &ScheduleConfig, lr: f64) {
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.watch.wait = 0;
        }
        if !self.watch.see(value, config.min_delta) && self.cooldown > 0 {
            self.watch.wait = 0;
        }
        if self.watch.wait >= config.patience {
            let least = (config.min_lr / lr).min(self.share);
            self.share = (self.share * config.gamma).max(least);
            self.cooldown = config.cooldown;
            self.watch.wait = 0;
        }
    }
}

impl EarlyStoppingConfig {
    /// Whether a run that stands so should end.
    pub fn ends(&self, watch: &Watch) -> bool {
        self.patience.is_some_and(|patience| watch.wait >= patience)
    }
}
