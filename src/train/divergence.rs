//! A loss that is no longer finite: where it began, and what is done about it.

use super::assemble::Device;
use super::checkpoint::Checkpoint;
use super::run::Run;
use crate::config::OnNan;
use crate::data::order;
use crate::{Error, Result};

/// The mean loss of a step above which a run has diverged: that of guessing among C classes is ln C, 2.3 for ten.
const LARGEST_LOSS: f64 = 1e4;
/// The most returns to a checkpoint of one run.
const MOST_ROLLBACKS: u32 = 5;

/// The first step whose loss is not finite, or beyond all bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Divergence {
    /// Number of the step in the epoch, from 0.
    pub(super) record: usize,
    /// Its mean loss.
    pub(super) loss: f64,
}

/// The first of an epoch's records (sum of losses, right answers) that has diverged; `images` gives each step's images.
pub(super) fn first_diverged(records: &[[f32; 2]], images: impl Fn(usize) -> usize) -> Option<Divergence> {
    let loss = |record: usize| f64::from(records[record][0]) / images(record) as f64;
    let bad = |loss: f64| !loss.is_finite() || loss > LARGEST_LOSS;
    (0..records.len())
        .find(|&record| bad(loss(record)))
        .map(|record| Divergence { record, loss: loss(record) })
}

impl Run<'_> {
    /// Looks for the cause and goes back to the last checkpoint with half the learning rate, or ends the run.
    pub(super) fn recover(&mut self, device: &mut Device, divergence: Divergence) -> Result<()> {
        let first_step = self.progress.step - self.progress.record;
        let (step, epoch) = (first_step + divergence.record as u32 + 1, self.progress.epoch + 1);
        let checkpoint = Checkpoint::read(&self.folder.last())?;
        self.put_back(device, &checkpoint)?;
        let (good, lr) = (self.progress.step, self.rate(device, divergence.record));
        let cause = self.cause(device, step)?;
        let what = format!(
            "the loss of step {step} (epoch {epoch}) is {}, at a learning rate of {lr}; {cause}",
            divergence.loss
        );
        let rollback = self.config.on_nan == OnNan::Rollback && self.progress.rollbacks < MOST_ROLLBACKS;
        if !rollback {
            return Err(Error::Diverged(self.advice(&what, good)));
        }
        self.put_back(device, &checkpoint)?;
        self.progress.lr_factor *= 0.5;
        self.progress.rollbacks += 1;
        let (count, factor) = (self.progress.rollbacks, self.progress.lr_factor);
        tracing::warn!(
            "{what}; back to step {good} with {factor} times the learning rate (return {count} of {MOST_ROLLBACKS})"
        );
        // The factor must outlive a crash.
        let state = self.capture(device, &checkpoint.records())?;
        self.save(&state)
    }

    fn advice(&self, what: &str, good: u32) -> String {
        let root = self.folder.root().display();
        let rest = if self.progress.rollbacks > 0 {
            format!("after {} returns to a checkpoint; ", self.progress.rollbacks)
        } else {
            String::new()
        };
        format!(
            "{what}; {rest}lower optimizer.lr, or rise to it slowly (schedule.warmup_epochs): the checkpoint of step {good} is good, \
             go on from it with `wgrad train --resume {root} --set optimizer.lr=... --force`, or begin anew with --on-nan rollback"
        )
    }

    /// Learning rate of a step of the epoch.
    fn rate(&self, device: &Device, record: usize) -> f32 {
        self.rates(device.trainer.steps_per_epoch())[record]
    }

    /// Does the steps from the checkpoint to the one that diverged again, to the same bits, and looks at their gradients.
    fn cause(&mut self, device: &mut Device, step: u32) -> Result<String> {
        let (done, record) = (self.progress.step, self.progress.record as usize);
        let trainer = &mut device.trainer;
        let order = order::epoch_order(&self.split.train, self.config.seed, self.progress.epoch);
        let rates = self.rates(trainer.steps_per_epoch());
        self.prune(trainer)?;
        trainer.begin_epoch(self.progress.epoch, &order, &rates, done, record)?;
        let mut largest = String::new();
        for (record, number) in (record..).zip(done + 1..=step) {
            trainer.step(record)?;
            // The weights of the step before may be what is wrong: its gradients come first.
            if number + 1 >= step {
                trainer.finish()?;
                let gradients =
                    trainer.weights.get(self.gpu, &trainer.weights.gradient, &self.network.parameters)?;
                let named = || self.network.parameters.iter().map(|p| p.name.as_str()).zip(&gradients);
                let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
                // The backward pass goes from the last layer to the first.
                let bad = named().filter(|(_, values)| !finite(values)).map(|(name, _)| name).next_back();
                if let Some(name) = bad {
                    let all = named().filter(|(_, values)| !finite(values)).count();
                    return Ok(if all == gradients.len() && !largest.is_empty() {
                        format!("its own forward pass left what f32 can hold; {largest}")
                    } else {
                        format!("the gradient of {name} was the first that is not finite, in step {number}")
                    });
                }
                let size = |values: &[f32]| values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
                let most =
                    named().map(|(name, values)| (name, size(values))).max_by(|a, b| a.1.total_cmp(&b.1));
                if let Some((name, size)) = most {
                    largest = format!("the largest gradient of step {number} was {size:.3e}, in {name}");
                }
            }
        }
        Ok(largest)
    }
}
