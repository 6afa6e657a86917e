//! Gradients while a backward pass is recorded: where each is, and who still reads it.

use std::rc::Rc;

use super::Pass;
use crate::Result;
use crate::gpu::{Buffer, Dispatch, View};
use crate::kernels::residual::{Branch, Shortcut};
use crate::nn::network::Value;

/// A gradient: where it is. Clones are for other readers of the same buffer; the last one to be released gives it back.
#[derive(Clone)]
pub(super) struct Gradient {
    pub(super) view: View,
    lease: Rc<Option<Buffer>>,
}

impl Gradient {
    /// A gradient in a place that is nobody's to give back.
    pub(super) fn at(view: View) -> Self {
        Self { view, lease: Rc::new(None) }
    }

    /// Whether nothing else reads it, so that it may be changed.
    pub(super) fn is_exclusive(&self) -> bool {
        Rc::strong_count(&self.lease) == 1
    }
}

impl Pass<'_> {
    /// A new gradient buffer for a value.
    pub(super) fn fresh(&mut self, value: Value) -> Result<Gradient> {
        let words = self.network.words(value, self.workspace.gradient_batch());
        let buffer = self.workspace.take(self.gpu, words)?;
        let view = buffer.view().first(self.network.words(value, self.batch));
        Ok(Gradient { view, lease: Rc::new(Some(buffer)) })
    }

    /// The gradient of `value` at a place that may be changed: itself, or a copy where others read it.
    pub(super) fn writable(
        &mut self,
        value: Value,
        gradient: Gradient,
        dispatches: &mut Vec<Dispatch>,
    ) -> Result<Gradient> {
        if gradient.is_exclusive() {
            return Ok(gradient);
        }
        let copy = self.fresh(value)?;
        dispatches.push(Branch::PLAIN.backward(self.rows(value), &gradient.view, &self.state, &copy.view));
        self.release(gradient);
        Ok(copy)
    }

    /// Makes `gradient` the gradient of `value`, or adds it to what other readers of the value gave.
    pub(super) fn pass_on(
        &mut self,
        value: Value,
        gradient: Gradient,
        gradients: &mut [Option<Gradient>],
        dispatches: &mut Vec<Dispatch>,
    ) -> Result<()> {
        let Some(present) = gradients[value].take() else {
            gradients[value] = Some(gradient);
            return Ok(());
        };
        let (sum, other) = if present.is_exclusive() { (present, gradient) } else { (gradient, present) };
        let sum = self.writable(value, sum, dispatches)?;
        dispatches.push(self.add_to(value, &sum.view, &other.view));
        self.release(other);
        gradients[value] = Some(sum);
        Ok(())
    }

    /// sum += other, both of the shape of `value`.
    pub(super) fn add_to(&self, value: Value, sum: &View, other: &View) -> Dispatch {
        let [height, width, _] = self.network.shape(value);
        let other = Shortcut::Same(other.clone());
        Branch::PLAIN.add(self.rows(value), [height, width], &other, &self.state, sum)
    }

    pub(super) fn release(&mut self, gradient: Gradient) {
        if let Some(Some(buffer)) = Rc::into_inner(gradient.lease) {
            self.workspace.give(buffer);
        }
    }
}
