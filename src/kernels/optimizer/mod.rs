//! The step's state, the sum of partial gradients, update rules, clipping and averages (`shaders/optimizer`).

mod average;
mod norm;
mod rules;

pub use average::{AVERAGE, MASK, SWAP, average, mask, swap};
pub use norm::{CLIP, GradientNorm, SQUARE_SUM};
pub use rules::{ADAM, Adam, AdamForm, Clip, RMSPROP, RmsProp, Rule, SGD, Sgd, Treatment};

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

use super::{lib, shader};
use crate::gpu::{Access, Binding, Dispatch, Groups, Kernel, View};

const fn kernel(
    name: &'static str,
    source: &'static str,
    libraries: &'static [&'static str],
    bindings: &'static [Binding],
    workgroup: u32,
    constants: &'static [&'static str],
) -> Kernel {
    Kernel { name, source, libraries, bindings, params_bytes: 16, workgroup, constants, activation: false }
}

/// Groups of four in a flat buffer.
fn fours(view: &View) -> u32 {
    (view.len_words() / 4) as u32
}

/// Moves the state to this step.
pub static ADVANCE: Kernel = kernel(
    "optimizer/advance",
    shader!("optimizer/advance"),
    &[lib::STATE],
    &[("rates", Access::Read), ("state", Access::Write), ("scaling", Access::Write)],
    1,
    &[],
);
/// Sums partial gradients: of convolutions' weights and biases, and of learned activations.
pub static REDUCE: Kernel = kernel(
    "optimizer/reduce",
    shader!("optimizer/reduce"),
    &[lib::INDEX, lib::FOUR],
    &[
        ("partial", Access::Read),
        ("table", Access::Read),
        ("gradient", Access::Write),
        ("scaling", Access::Write),
    ],
    64,
    &["SCALED"],
);
/// What changes from step to step; the same words as State of shaders/lib/state.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct State {
    /// Optimiser step of the run: the RNG's second counter word.
    pub step: u32,
    /// Step of the epoch: row of the [`Rates`] and of the records.
    pub record: u32,
    /// Place of the batch's first image in the epoch's order.
    pub cursor: u32,
    /// Learning rate of this step.
    pub lr: f32,
    /// `step` of the next plan.
    pub next_step: u32,
    /// `record` of the next plan.
    pub next_record: u32,
    /// `cursor` of the next plan.
    pub next_cursor: u32,
    /// Factor of the loss; 1 in f32.
    pub scale: f32,
    /// Adam's factor of the first moment.
    pub first: f32,
    /// Adam's factor of the gradient itself.
    pub direct: f32,
    /// Adam's factor of the second moment.
    pub second: f32,
    /// Factor that clips the gradient; 1 leaves it.
    pub factor: f32,
    /// The whole gradient's norm, where it is clipped by it.
    pub norm: f32,
    /// Finished epochs: images are mirrored in turns by it.
    pub epoch: u32,
    /// Share of an image in its own mixture (mixup); 1 without.
    pub share: f32,
    /// Nothing.
    pub pad: u32,
}

impl Default for State {
    fn default() -> Self {
        Self { scale: 1.0, factor: 1.0, share: 1.0, ..Self::zeroed() }
    }
}

/// What a step's rates are: a row of the buffer that optimizer/advance reads.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Rates {
    /// Learning rate.
    pub lr: f32,
    /// Adam's factors of first moment, gradient and second moment: [`Rule::factors`].
    pub factors: [f32; 3],
    /// Share of an image in its own mixture (mixup); 1 without.
    pub share: f32,
    /// Nothing.
    pub pad: [u32; 3],
}

impl From<f32> for Rates {
    /// A learning rate for a rule that needs no more.
    fn from(lr: f32) -> Self {
        Self { lr, factors: [1.0, 0.0, 1.0], share: 1.0, pad: [0; 3] }
    }
}

/// The loss scale (Micikevicius et al. 2018, section 3.2), as optimizer/advance moves it on the device: small gradients would
/// fall below f16's range without it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Serialize, Deserialize)]
pub struct LossScale {
    /// Factor of the loss: a power of two.
    pub scale: f32,
    /// Steps with finite gradients since it changed.
    pub good: u32,
    /// 1 where the last step's gradients were not finite: it changed nothing.
    pub overflow: u32,
    /// Such steps before the last one.
    pub skipped: u32,
}

impl LossScale {
    /// Scale 1 for f32: it never moves.
    pub const ONE: Self = Self::starting(1.0);

    /// The state of a run's first step: factor `scale`, a power of two, no step counted yet.
    pub const fn starting(scale: f32) -> Self {
        Self { scale, good: 0, overflow: 0, skipped: 0 }
    }
}

impl State {
    /// A state whose next plan is step `step` of the run, `record` of the epoch, with the image at `cursor` first.
    pub fn before(step: u32, record: u32, cursor: u32) -> Self {
        Self { next_step: step, next_record: record, next_cursor: cursor, ..Self::default() }
    }

    /// The same in epoch `epoch`, from 0.
    pub fn in_epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }
}

/// The plan's first dispatch: the state moves to this step of `batch` images, with its [`Rates`] from `rates`, and the
/// [`LossScale`] of `scaling` by what the last step found: it doubles after `growth` good steps, never with 0.
pub fn advance(batch: usize, growth: u32, rates: &View, state: &View, scaling: &View) -> Dispatch {
    dispatch(&ADVANCE, [rates, state, scaling], [batch as u32, growth, 0, 0], Groups([1, 1, 1]))
}

/// gradient = sums of the partial gradients, by a table with (first word, splits, stride, 0) for each 64 words; with `scaled`,
/// `scaling` notes gradients that are not finite.
pub fn reduce([partial, table, gradient, scaling]: [&View; 4], scaled: bool) -> Dispatch {
    let count = fours(gradient);
    let groups = Groups::cover(u64::from(count), REDUCE.workgroup);
    let mut all = dispatch(&REDUCE, [partial, table, gradient, scaling], [count, 0, 0, 0], groups);
    all.constants = all.constants.bool("SCALED", scaled);
    all
}

fn dispatch<'a>(
    kernel: &'static Kernel,
    bindings: impl IntoIterator<Item = &'a View>,
    params: impl Pod,
    groups: Groups,
) -> Dispatch {
    let bindings: Vec<&View> = bindings.into_iter().collect();
    Dispatch::new(kernel, &bindings, params, groups)
}
