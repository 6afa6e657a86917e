//! `[optimizer]` and its ranges.

use std::ops::Bound::{Excluded, Included};

use serde::{Deserialize, Serialize};

use super::choices::{DecayOn, L2, OptimizerKind};
use super::validate::within;
use crate::error::{Error, Result};

/// `[optimizer]`: how gradients become updates. Names are PyTorch's where it has one, but for `rho` (`alpha` of its RMSprop), `psi`
/// (`momentum_decay` of its NAdam), `clip_norm` and `clip_value` (`clip_grad_norm_`, `clip_grad_value_`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The update rule. Default `"sgd"`.
    pub kind: OptimizerKind,
    /// Learning rate that the schedule starts from, above 0 and at most 100. Default 0.1.
    pub lr: f64,
    /// For `"sgd"` and `"rmsprop"`: share of the last update's velocity that is kept, at least 0 and below 1. Default 0.9.
    pub momentum: f64,
    /// For `"sgd"`: Nesterov's look-ahead; takes a momentum above 0. Default false.
    pub nesterov: bool,
    /// For the Adams: share of the mean gradient that is kept, at least 0 and below 1. Default 0.9.
    pub beta1: f64,
    /// For the Adams: share of the mean square that is kept, at least 0 and below 1. Default 0.999.
    pub beta2: f64,
    /// For the Adams and `"rmsprop"`: added to the root of the mean square, above 0 and at most 1. Default 1e-8 (PyTorch's;
    /// Keras has 1e-7).
    pub eps: f64,
    /// For `"adam"` and `"adamw"`: whether `eps` is added before the mean square is corrected for its bias, as Keras and
    /// TensorFlow do ("epsilon hat"). Default false.
    pub eps_hat: bool,
    /// For `"nadam"`: how fast the momentum rises, above 0 and at most 100: 0.004 is PyTorch's and Keras' up to 2.10, 1 is that
    /// of Keras from 2.11 on. Default 0.004.
    pub psi: f64,
    /// For `"rmsprop"`: share of the mean square that is kept, at least 0 and below 1. Default 0.99 (PyTorch's; Keras has 0.9).
    pub rho: f64,
    /// Weight decay, 0 to 1, in the sense of `l2`. Default 1e-4.
    pub weight_decay: f64,
    /// What `weight_decay` means; `"adamw"` takes `"torch"` only. Default `"torch"`.
    pub l2: L2,
    /// L1 penalty, 0 to 1: gradient += `l1` * sign(w). Default 0.
    pub l1: f64,
    /// The parameters that weight decay and L1 act on. Default `"all"`.
    pub decay_on: DecayOn,
    /// Scales the whole gradient, before penalties, so that its norm is at most this, above 0 and at most 1,000,000.
    /// Default: not given, no clipping.
    pub clip_norm: Option<f64>,
    /// Cuts each element of the gradient to this magnitude, before penalties, above 0 and at most 1,000,000. Default: not
    /// given, no clipping.
    pub clip_value: Option<f64>,
    /// Share that stays in a moving average of the weights, above 0 and below 1; the average, not the weights, is
    /// evaluated and kept as best. In the first steps less stays: (1 + step) / (10 + step). Default: not given, no average.
    pub average: Option<f64>,
    /// Factor on the learning rate of batch norms' biases, above 0 and at most 1,000; their weight decay and L1 are divided by it, so
    /// that what a step takes off stays (`bias_scaler` of Jordan's airbench). Default 1.
    pub norm_bias_lr: f64,
    /// Steps that the rule counts before the run's first, 0 to 4,000,000,000: what a used optimizer of another run
    /// knew. Only the Adams count. Default 0.
    pub steps_before: u32,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Sgd,
            lr: 0.1,
            momentum: 0.9,
            nesterov: false,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            eps_hat: false,
            psi: 0.004,
            rho: 0.99,
            weight_decay: 1e-4,
            l2: L2::Torch,
            l1: 0.0,
            decay_on: DecayOn::All,
            clip_norm: None,
            clip_value: None,
            average: None,
            norm_bias_lr: 1.0,
            steps_before: 0,
        }
    }
}

impl OptimizerConfig {
    /// Checks every value against its range, and values against each other.
    pub(super) fn validate(&self) -> Result<()> {
        within("optimizer.lr", self.lr, (Excluded(0.0), Included(100.0)))?;
        let shares =
            [("momentum", self.momentum), ("beta1", self.beta1), ("beta2", self.beta2), ("rho", self.rho)];
        for (key, share) in shares {
            within(&format!("optimizer.{key}"), share, (Included(0.0), Excluded(1.0)))?;
        }
        within("optimizer.eps", self.eps, (Excluded(0.0), Included(1.0)))?;
        within("optimizer.psi", self.psi, (Excluded(0.0), Included(100.0)))?;
        within("optimizer.weight_decay", self.weight_decay, (Included(0.0), Included(1.0)))?;
        within("optimizer.l1", self.l1, (Included(0.0), Included(1.0)))?;
        for (key, most) in [("clip_norm", self.clip_norm), ("clip_value", self.clip_value)] {
            if let Some(most) = most {
                within(&format!("optimizer.{key}"), most, (Excluded(0.0), Included(1e6)))?;
            }
        }
        if let Some(share) = self.average {
            within("optimizer.average", share, (Excluded(0.0), Excluded(1.0)))?;
        }
        within("optimizer.norm_bias_lr", self.norm_bias_lr, (Excluded(0.0), Included(1000.0)))?;
        within("optimizer.steps_before", self.steps_before, (Included(0), Included(4_000_000_000)))?;
        self.contradictions()
    }

    fn contradictions(&self) -> Result<()> {
        let refuse = |text: &str| Err(Error::usage(text));
        if self.nesterov && self.momentum == 0.0 {
            return refuse(
                "optimizer.nesterov = true needs optimizer.momentum above 0: set a momentum or switch nesterov off",
            );
        }
        if self.nesterov && self.kind != OptimizerKind::Sgd {
            return refuse(
                "optimizer.nesterov = true is SGD's: choose optimizer.kind = \"sgd\" or \"nadam\", or switch it off",
            );
        }
        if self.eps_hat && !matches!(self.kind, OptimizerKind::Adam | OptimizerKind::Adamw) {
            return refuse(
                "optimizer.eps_hat = true is Adam's: choose optimizer.kind = \"adam\", or switch it off",
            );
        }
        if self.l2 == L2::Keras && self.kind == OptimizerKind::Adamw {
            return refuse(
                "optimizer.l2 = \"keras\" is a penalty in the loss, which optimizer.kind = \"adamw\" has none of: choose \
                 \"torch\", or \"adam\"",
            );
        }
        if self.clip_norm.is_some() && self.clip_value.is_some() {
            return refuse(
                "optimizer.clip_norm and optimizer.clip_value exclude each other: unset one of them",
            );
        }
        Ok(())
    }
}
