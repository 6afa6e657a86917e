//! `[schedule]` and `[early_stopping]`, with their ranges.

use std::ops::Bound::{Excluded, Included};

use serde::{Deserialize, Serialize};

use super::choices::ScheduleKind;
use super::validate::within;
use crate::error::{Error, Result};

/// `[schedule]`: how the learning rate changes. Set by `epochs`; a cap by `steps` cuts it short, unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The shape. Default `"steps"`.
    pub kind: ScheduleKind,
    /// For `"steps"`: numbers of finished epochs (fractions allowed) at which the rate is multiplied by `gamma`,
    /// ascending, each above 0 and at most 1,000,000. Default [91, 136, 182].
    pub milestones: Vec<f64>,
    /// For `"steps"`: the share of `optimizer.lr` from each milestone on, as many as milestones, each above 0 and at most 1;
    /// wins over `gamma`. Default: not given.
    pub factors: Option<Vec<f64>>,
    /// The factor at a milestone (`"steps"`), after `decay_epochs` (`"exponential"`) or on a plateau (`"plateau"`), above 0
    /// and at most 1. Default 0.1.
    pub gamma: f64,
    /// For `"exponential"`: epochs (fractions allowed) in which the rate falls to `gamma` of itself, above 0 and at most
    /// 1,000,000. Default 20.
    pub decay_epochs: f64,
    /// For `"exponential"`: whether it falls at once after each `decay_epochs`, not step by step. Default false.
    pub staircase: bool,
    /// For `"plateau"`: epochs without progress of `monitor` after which the rate falls, 1 to 100,000. Default 10.
    pub patience: u32,
    /// For `"plateau"`: change of `monitor` that counts as progress, 0 to 1,000. Default 1e-4.
    pub min_delta: f64,
    /// For `"plateau"`: epochs after a fall in which nothing is counted, 0 to 100,000. Default 0.
    pub cooldown: u32,
    /// For `"plateau"`: the rate falls no further than this, 0 to 100. Default 0.
    pub min_lr: f64,
    /// For `"triangle"`: share of `optimizer.lr` at the first step, 0 to 1. Default 0.2.
    pub start: f64,
    /// For `"triangle"`: share of all steps at which the whole rate is reached, 0 to 1. Default 0.23.
    pub peak: f64,
    /// For `"triangle"`: share of `optimizer.lr` at the end, 0 to 1. Default 0.07.
    pub end: f64,
    /// Length of the warm-up at the start, a linear rise from 0 unless `warmup_share` is given, in epochs (fractions allowed),
    /// 0 (none) to 1,000. Default 0.
    pub warmup_epochs: f64,
    /// Share of the rate that holds throughout the warm-up, above 0 and at most 1: 0.1 for He et al.'s ResNet-110. Default: not
    /// given, the rate rises linearly.
    pub warmup_share: Option<f64>,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            kind: ScheduleKind::Steps,
            milestones: vec![91.0, 136.0, 182.0],
            factors: None,
            gamma: 0.1,
            decay_epochs: 20.0,
            staircase: false,
            patience: 10,
            min_delta: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
            start: 0.2,
            peak: 0.23,
            end: 0.07,
            warmup_epochs: 0.0,
            warmup_share: None,
        }
    }
}

/// `[early_stopping]`: ends a run that makes no progress. The best epoch's checkpoint is what is tested at the end.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStoppingConfig {
    /// Epochs without progress of `monitor` after which the run ends, 1 to 100,000. Default: not given, never.
    pub patience: Option<u32>,
    /// Change of `monitor` that counts as progress, 0 to 1,000. Default 0: any.
    pub min_delta: f64,
}

impl ScheduleConfig {
    /// Checks every value against its range, and values against each other.
    pub(super) fn validate(&self) -> Result<()> {
        for milestone in &self.milestones {
            within("schedule.milestones", *milestone, (Excluded(0.0), Included(1e6)))?;
        }
        if let Some(pair) = self.milestones.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Error::usage(format!(
                "schedule.milestones must ascend, but {} is followed by {}",
                pair[0], pair[1]
            )));
        }
        for factor in self.factors.iter().flatten() {
            within("schedule.factors", *factor, (Excluded(0.0), Included(1.0)))?;
        }
        if let Some(factors) = self.factors.as_ref().filter(|f| f.len() != self.milestones.len()) {
            return Err(Error::usage(format!(
                "schedule.factors has {} numbers and schedule.milestones {}: give one factor for each milestone",
                factors.len(),
                self.milestones.len()
            )));
        }
        within("schedule.gamma", self.gamma, (Excluded(0.0), Included(1.0)))?;
        within("schedule.decay_epochs", self.decay_epochs, (Excluded(0.0), Included(1e6)))?;
        within("schedule.patience", self.patience, (Included(1), Included(100_000)))?;
        within("schedule.min_delta", self.min_delta, (Included(0.0), Included(1000.0)))?;
        within("schedule.cooldown", self.cooldown, (Included(0), Included(100_000)))?;
        within("schedule.min_lr", self.min_lr, (Included(0.0), Included(100.0)))?;
        within("schedule.warmup_epochs", self.warmup_epochs, (Included(0.0), Included(1000.0)))?;
        for (key, share) in [("start", self.start), ("peak", self.peak), ("end", self.end)] {
            within(&format!("schedule.{key}"), share, (Included(0.0), Included(1.0)))?;
        }
        if let Some(share) = self.warmup_share {
            within("schedule.warmup_share", share, (Excluded(0.0), Included(1.0)))?;
        }
        self.validate_warmup()
    }

    fn validate_warmup(&self) -> Result<()> {
        let rises = match self.kind {
            ScheduleKind::OneCycle => Some("one_cycle"),
            ScheduleKind::Triangle => Some("triangle"),
            _ => None,
        };
        if let Some(kind) = rises.filter(|_| self.warmup_epochs > 0.0) {
            return Err(Error::usage(format!(
                "schedule.warmup_epochs has no meaning with schedule.kind = \"{kind}\", which rises by itself: set it to 0"
            )));
        }
        if self.warmup_share.is_some() && self.warmup_epochs == 0.0 {
            return Err(Error::usage(
                "schedule.warmup_share is of the warm-up, which schedule.warmup_epochs = 0 leaves out: give its length, or \
                 unset warmup_share",
            ));
        }
        Ok(())
    }

    /// The milestones that a run of `epochs` epochs does not reach.
    pub fn past_the_end(&self, epochs: u32) -> Vec<f64> {
        let late = self.milestones.iter().copied().filter(|m| *m >= f64::from(epochs));
        if self.kind == ScheduleKind::Steps { late.collect() } else { Vec::new() }
    }
}

impl EarlyStoppingConfig {
    /// Checks every value against its range.
    pub(super) fn validate(&self) -> Result<()> {
        if let Some(patience) = self.patience {
            within("early_stopping.patience", patience, (Included(1), Included(100_000)))?;
        }
        within("early_stopping.min_delta", self.min_delta, (Included(0.0), Included(1000.0)))
    }
}
