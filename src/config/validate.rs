//! Range checks: each failure is one sentence with key, value and range.

use std::fmt::Display;
use std::ops::Bound::{self, Excluded, Included};

use super::choices::{ScheduleKind, Split};
use super::run::RunConfig;
use crate::error::{Error, Result};

/// The ends of a range.
type Ends<T> = (Bound<T>, Bound<T>);

/// A range in words: "above 0 and at most 1".
fn words<T: Display>((low, high): &Ends<T>) -> String {
    let low = match low {
        Included(v) => format!("at least {v}"),
        Excluded(v) => format!("above {v}"),
        Bound::Unbounded => "any".into(),
    };
    let high = match high {
        Included(v) => format!(" and at most {v}"),
        Excluded(v) => format!(" and below {v}"),
        Bound::Unbounded => String::new(),
    };
    low + &high
}

/// Refuses a value outside the range, NaN as well.
pub(super) fn within<T: PartialOrd + Display>(key: &str, value: T, range: Ends<T>) -> Result<()> {
    use std::ops::RangeBounds;
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!("{key} = {value} is out of range: it must be {}", words(&range))))
}

impl RunConfig {
    /// Checks every value against its range, and values against each other.
    ///
    /// # Errors
    /// [`Error::Usage`] that names the first bad key, its value and what is allowed.
    pub fn validate(&self) -> Result<()> {
        for (key, text) in
            [("model", &self.model), ("activation", &self.activation), ("data.source", &self.data.source)]
        {
            if text.trim().is_empty() {
                return Err(Error::usage(format!("{key} is empty: it must be a name")));
            }
        }
        within("epochs", self.epochs, (Included(1), Included(100_000)))?;
        if let Some(steps) = self.steps {
            within("steps", steps, (Included(1), Included(4_000_000_000)))?;
        }
        within("width", self.width, (Included(1), Included(16)))?;
        within("batch", self.batch, (Included(1), Included(65_536)))?;
        within("eval_batch", self.eval_batch, (Included(1), Included(65_536)))?;
        within("loss_scale", self.loss_scale, (Included(1.0), Included(16_777_216.0)))?;
        if self.loss_scale.log2().fract() != 0.0 {
            let got = self.loss_scale;
            return Err(Error::usage(format!(
                "loss_scale = {got} is no power of two: gradients would be rounded twice"
            )));
        }
        within("loss_scale_growth", self.loss_scale_growth, (Included(0), Included(1_000_000)))?;
        if let Some(steps) = self.checkpoint.steps {
            within("checkpoint.steps", steps, (Included(1), Included(1_000_000_000)))?;
        }
        if let Some(mib) = self.memory_limit {
            within("memory_limit", mib, (Included(1), Included(1_000_000)))?;
        }
        within("checkpoint.minutes", self.checkpoint.minutes, (Included(0.0), Included(1e5)))?;
        self.validate_data()?;
        self.augment.validate()?;
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.early_stopping.validate()?;
        self.prune.validate(self.epochs)?;
        self.validate_watches()?;
        within("batchnorm.momentum", self.batchnorm.momentum, (Excluded(0.0), Included(1.0)))?;
        within("batchnorm.eps", self.batchnorm.eps, (Excluded(0.0), Included(1.0)))?;
        within("regularize.survival", self.regularize.survival, (Excluded(0.0), Included(1.0)))?;
        within("regularize.dropconnect", self.regularize.dropconnect, (Included(0.0), Excluded(1.0)))?;
        within("loss.label_smoothing", self.loss.label_smoothing, (Included(0.0), Excluded(1.0)))
    }

    fn validate_data(&self) -> Result<()> {
        within("data.size", self.data.size, (Included(8), Included(256)))?;
        within("data.validation", self.data.validation, (Excluded(0.0), Excluded(1.0)))?;
        let Some(count) = self.data.train_count else { return Ok(()) };
        within("data.train_count", count, (Included(1), Included(100_000_000)))?;
        let why = match self.data.split {
            Split::Random | Split::Head => return Ok(()),
            Split::None => "\"none\", where every image trains: remove one of them",
            Split::Stratified => {
                "\"stratified\", which takes a share of each class: set data.validation, or data.split = \"random\" or \"head\""
            }
        };
        Err(Error::usage(format!("data.train_count = {count} has no meaning with data.split = {why}")))
    }

    /// What watches validation needs some.
    fn validate_watches(&self) -> Result<()> {
        let watches = [
            ("schedule.kind = \"plateau\"", self.schedule.kind == ScheduleKind::Plateau),
            ("early_stopping.patience", self.early_stopping.patience.is_some()),
        ];
        match watches.iter().find(|(_, on)| *on && self.data.split == Split::None) {
            None => Ok(()),
            Some((what, _)) => Err(Error::usage(format!(
                "{what} watches the validation, and data.split = \"none\" leaves none: choose another split, or \
                 remove it"
            ))),
        }
    }

    /// Refuses milestones that the run does not reach.
    ///
    /// # Errors
    /// [`Error::Usage`] that names them.
    pub fn refuse_past_the_end(&self, origin: &str) -> Result<()> {
        let late = self.schedule.past_the_end(self.epochs);
        if late.is_empty() {
            return Ok(());
        }
        let late: Vec<String> = late.iter().map(f64::to_string).collect();
        Err(Error::usage(format!(
            "{origin}: schedule.milestones {} lie past the end of a run of epochs = {}: remove them or train longer",
            late.join(", "),
            self.epochs
        )))
    }

    /// What is allowed but probably not meant: one sentence each, to print before the run.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let epochs = f64::from(self.epochs);
        let schedule = &self.schedule;
        let late: Vec<String> = schedule.past_the_end(self.epochs).iter().map(f64::to_string).collect();
        if !late.is_empty() {
            warnings.push(format!(
                "schedule.milestones {} lie past the last epoch ({epochs}), so the learning rate does not fall there",
                late.join(", ")
            ));
        }
        if schedule.warmup_epochs >= epochs {
            warnings.push(format!(
                "schedule.warmup_epochs = {} takes the whole run of {epochs} epochs",
                schedule.warmup_epochs
            ));
        }
        warnings
    }
}
