//! `[prune]` and its ranges.

use std::ops::Bound::{Excluded, Included};

use serde::{Deserialize, Serialize};

use super::validate::within;
use crate::error::{Error, Result};

/// `[prune]`: sets the smallest weights of convolutions and linear layers to 0 and keeps them there.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PruneConfig {
    /// Share of those weights that is 0 in the end, above 0 and below 1. Default: not given, no pruning.
    pub share: Option<f64>,
    /// Finished epochs before the first pruning, 0 to 100,000. Default 0.
    pub from_epoch: u32,
    /// Epochs over which the share grows, 0 to 100,000: share * (1 - (1 - t)^3) with t from 1/epochs to 1 (Zhu, Gupta, arXiv
    /// 1710.01878). 0 and 1 prune at once. Default 0.
    pub over_epochs: u32,
    /// What the smallest weights are sought in. Default `"layer"`.
    pub scope: PruneScope,
}

/// What the smallest weights are sought in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PruneScope {
    /// `"layer"`: each layer loses the same share.
    #[default]
    Layer,
    /// `"network"`: all layers together.
    Network,
}

impl PruneConfig {
    /// Checks every value against its range, and against the length of the run.
    pub(super) fn validate(&self, epochs: u32) -> Result<()> {
        within("prune.from_epoch", self.from_epoch, (Included(0), Included(100_000)))?;
        within("prune.over_epochs", self.over_epochs, (Included(0), Included(100_000)))?;
        let Some(share) = self.share else { return Ok(()) };
        within("prune.share", share, (Excluded(0.0), Excluded(1.0)))?;
        let end = self.from_epoch.saturating_add(self.over_epochs.max(1));
        if end > epochs {
            return Err(Error::usage(format!(
                "prune.from_epoch = {} and prune.over_epochs = {} take {end} epochs, but epochs = {epochs}: prune earlier or \
                 train longer",
                self.from_epoch, self.over_epochs
            )));
        }
        Ok(())
    }

    /// The share that is 0 in the epoch after `finished` ones; 0 where nothing is pruned yet.
    pub fn share_after(&self, finished: u32) -> f64 {
        match (self.share, finished.checked_sub(self.from_epoch)) {
            (Some(share), Some(passed)) => {
                let t = f64::from(passed + 1) / f64::from(self.over_epochs.max(1));
                share * (1.0 - (1.0 - t.min(1.0)).powi(3))
            }
            _ => 0.0,
        }
    }
}
