//! The step's state, the sum of partial gradients, and SGD (`shaders/optimizer`).

use bytemuck::{Pod, Zeroable};

use super::{lib, shader};
use crate::gpu::{Access, Binding, Constants, Dispatch, Groups, Kernel, View};

const fn kernel(
    name: &'static str,
    source: &'static str,
    libraries: &'static [&'static str],
    bindings: &'static [Binding],
    workgroup: u32,
) -> Kernel {
    Kernel {
        name,
        source,
        libraries,
        bindings,
        params_bytes: 16,
        workgroup,
        constants: &[],
        activation: false,
    }
}

/// Moves the state to this step.
pub static ADVANCE: Kernel = kernel(
    "optimizer/advance",
    shader!("optimizer/advance"),
    &[lib::STATE],
    &[("rates", Access::Read), ("state", Access::Write)],
    1,
);
/// Sums the convolutions' partial gradients.
pub static REDUCE: Kernel = kernel(
    "optimizer/reduce",
    shader!("optimizer/reduce"),
    &[lib::INDEX],
    &[("partial", Access::Read), ("table", Access::Read), ("gradient", Access::Write)],
    64,
);
/// SGD with momentum.
pub static SGD: Kernel = kernel(
    "optimizer/sgd",
    shader!("optimizer/sgd"),
    &[lib::INDEX, lib::STATE],
    &[
        ("gradient", Access::Read),
        ("decay", Access::Read),
        ("state", Access::Read),
        ("weight", Access::Write),
        ("buffer", Access::Write),
    ],
    64,
);

/// What changes from step to step; the same words as State of shaders/lib/state.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct State {
    /// Optimiser step of the run: the RNG's second counter word.
    pub step: u32,
    /// Step of the epoch: row of the learning rates and of the records.
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
    /// Fills up to 32 bytes.
    pub unused: u32,
}

impl State {
    /// A state whose next plan is step `step` of the run, `record` of the epoch, with the image at `cursor` first.
    pub fn before(step: u32, record: u32, cursor: u32) -> Self {
        Self { next_step: step, next_record: record, next_cursor: cursor, ..Self::default() }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct SgdParams {
    count: u32,
    momentum: f32,
    nesterov: u32,
    pad: u32,
}

/// The plan's first dispatch: the state moves to this step of `batch` images, with its learning rate from `rates`.
pub fn advance(batch: usize, rates: &View, state: &View) -> Dispatch {
    dispatch(&ADVANCE, [rates, state], [batch as u32, 0, 0, 0], Groups([1, 1, 1]))
}

/// gradient = sums of the partial gradients, by a table with (first word, splits, stride, 0) for each 64 words.
pub fn reduce(partial: &View, table: &View, gradient: &View) -> Dispatch {
    let count = (gradient.len_words() / 4) as u32;
    let groups = Groups::cover(u64::from(count), REDUCE.workgroup);
    dispatch(&REDUCE, [partial, table, gradient], [count, 0, 0, 0], groups)
}

/// SGD's settings: PyTorch's momentum (without dampening) and Nesterov form.
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// Share of the old buffer that stays, in [0, 1).
    pub momentum: f32,
    /// Whether to look ahead.
    pub nesterov: bool,
}

impl Sgd {
    /// One update of all weights; `decay` has a weight decay factor for each 64 words.
    pub fn step(
        &self,
        gradient: &View,
        decay: &View,
        state: &View,
        weight: &View,
        buffer: &View,
    ) -> Dispatch {
        let count = (weight.len_words() / 4) as u32;
        let params = SgdParams { count, momentum: self.momentum, nesterov: u32::from(self.nesterov), pad: 0 };
        let groups = Groups::cover(u64::from(count), SGD.workgroup);
        dispatch(&SGD, [gradient, decay, state, weight, buffer], params, groups)
    }
}

fn dispatch<const N: usize>(
    kernel: &'static Kernel,
    bindings: [&View; N],
    params: impl Pod,
    groups: Groups,
) -> Dispatch {
    Dispatch {
        kernel,
        constants: Constants::new(),
        activation: None,
        bindings: bindings.into_iter().cloned().collect(),
        params: bytemuck::bytes_of(&params).to_vec(),
        groups,
        label: String::new(),
        flops: 0,
    }
}
