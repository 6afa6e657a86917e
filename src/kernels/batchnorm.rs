//! Batch normalisation with its activation and shortcut (`shaders/batchnorm`).

use bytemuck::{Pod, Zeroable};

use super::residual::Shortcut;
use super::{Activation, Noise, Rows, groups_of_four, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

macro_rules! kernel {
    ($name:literal, $bindings:expr, $params:ty, $libraries:expr, $constants:expr, $activation:literal) => {
        Kernel {
            name: $name,
            source: shader!($name),
            libraries: $libraries,
            bindings: $bindings,
            params_bytes: size_of::<$params>(),
            workgroup: Rows::WORKGROUP,
            constants: $constants,
            activation: $activation,
        }
    };
}

const ROWS: &[&str] = &["C4", "PIXELS", "CHANNELS"];
const FUSED: &[&str] = &["C4", "PIXELS", "CHANNELS", "SHORTCUT", "SHORTCUT_C", "TRAIN", "STOCHASTIC"];
const FUSED_LIBRARIES: &[&str] = &[
    lib::INDEX,
    lib::ROWS,
    lib::FOUR,
    lib::NORMALIZE,
    lib::SHORTCUT,
    lib::STATE,
    lib::PHILOX,
    lib::ACTIVATION,
];

/// Partial means and squared deviations of chunks of rows.
pub static STATISTICS: Kernel = kernel!(
    "batchnorm/statistics",
    &[("x", Access::Read), ("partial", Access::Write)],
    ReduceParams,
    &[lib::ROWS, lib::FOUR, lib::REDUCE],
    ROWS,
    false
);
/// Mean, invstd and the running statistics from the partials.
pub static FINALIZE: Kernel = kernel!(
    "batchnorm/finalize",
    &[("partial", Access::Read), ("running", Access::Write), ("saved", Access::Write)],
    FinalizeParams,
    &[],
    ROWS,
    false
);
/// Mean and invstd from the running statistics.
pub static RUNNING: Kernel = kernel!(
    "batchnorm/running",
    &[("running", Access::Read), ("saved", Access::Write)],
    RunningParams,
    &[],
    ROWS,
    false
);
/// y = activation(batchnorm(x) + shortcut).
pub static FORWARD: Kernel = kernel!(
    "batchnorm/forward",
    &[
        ("x", Access::Read),
        ("saved", Access::Read),
        ("affine", Access::Read),
        ("shortcut", Access::Read),
        ("state", Access::Read),
        ("y", Access::Write),
    ],
    FusedParams,
    FUSED_LIBRARIES,
    FUSED,
    true
);
/// dz in place of dy, and the partial sums of gamma's and beta's gradients.
pub static BACKWARD_REDUCE: Kernel = kernel!(
    "batchnorm/backward_reduce",
    &[
        ("x", Access::Read),
        ("saved", Access::Read),
        ("affine", Access::Read),
        ("shortcut", Access::Read),
        ("state", Access::Read),
        ("dy", Access::Write),
        ("partial", Access::Write),
    ],
    FusedParams,
    &[
        lib::ROWS,
        lib::FOUR,
        lib::REDUCE,
        lib::NORMALIZE,
        lib::SHORTCUT,
        lib::STATE,
        lib::PHILOX,
        lib::ACTIVATION
    ],
    FUSED,
    true
);
/// gamma's and beta's gradients from the partial sums.
pub static BACKWARD_FINALIZE: Kernel = kernel!(
    "batchnorm/backward_finalize",
    &[("partial", Access::Read), ("affine_gradient", Access::Write)],
    BackwardFinalizeParams,
    &[],
    ROWS,
    false
);
/// dx in place of x.
pub static BACKWARD: Kernel = kernel!(
    "batchnorm/backward",
    &[
        ("dz", Access::Read),
        ("saved", Access::Read),
        ("affine", Access::Read),
        ("affine_gradient", Access::Read),
        ("x", Access::Write),
    ],
    ReduceParams,
    &[lib::INDEX, lib::ROWS, lib::FOUR],
    &["C4", "PIXELS", "CHANNELS", "TRAIN"],
    false
);

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct ReduceParams {
    rows: u32,
    rows_a_chunk: u32,
    chunks_or_offset: u32,
    pad: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct FinalizeParams {
    rows: u32,
    rows_a_chunk: u32,
    chunks: u32,
    running_offset: u32,
    momentum: f32,
    eps: f32,
    pad: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct RunningParams {
    running_offset: u32,
    eps: f32,
    pad: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct BackwardFinalizeParams {
    chunks: u32,
    affine_offset: u32,
    pad: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct FusedParams {
    rows: u32,
    rows_a_chunk: u32,
    affine_offset: u32,
    layer: u32,
    seed: u32,
    height: u32,
    width: u32,
    shortcut_height: u32,
    shortcut_width: u32,
    pad: [u32; 3],
}

/// A batch norm's shape and the places of what it keeps.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    /// Images.
    pub batch: usize,
    /// Pixels downwards.
    pub height: usize,
    /// Pixels across.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Share of the batch's statistics in the running ones, as PyTorch counts it.
    pub momentum: f32,
    /// Added to the variance.
    pub eps: f32,
    /// Words from gamma to beta, and from running mean to running variance.
    pub stride: usize,
}

/// The views that the fused kernels read besides x.
#[derive(Clone, Debug)]
pub struct Context {
    /// Mean and invstd, 2 x channels filled up.
    pub saved: View,
    /// gamma, and beta `stride` words on.
    pub affine: View,
    /// What the residual connection adds.
    pub shortcut: Shortcut,
    /// The step's state.
    pub state: View,
    /// The activation after the sum.
    pub activation: Activation,
    /// Training form or evaluation form.
    pub train: bool,
    /// Where its random numbers come from.
    pub noise: Noise,
}

impl BatchNorm {
    /// The tensor as rows.
    pub fn rows(&self) -> Rows {
        Rows { batch: self.batch, pixels: self.height * self.width, channels: self.channels }
    }

    /// Words of the partial sums of a reduction.
    pub fn partial_words(&self) -> usize {
        self.rows().reduction_chunks() * self.rows().c4() * 8
    }

    /// Words of the saved mean and invstd.
    pub fn saved_words(&self) -> usize {
        self.rows().c4() * 8
    }

    fn dispatch(
        &self,
        kernel: &'static Kernel,
        bindings: &[&View],
        params: impl Pod,
        groups: Groups,
    ) -> Dispatch {
        Dispatch {
            kernel,
            constants: self.rows().constants(),
            activation: None,
            bindings: bindings.iter().map(|view| (*view).clone()).collect(),
            params: bytemuck::bytes_of(&params).to_vec(),
            groups,
            label: String::new(),
            flops: 0,
        }
    }

    /// partial = statistics of chunks of x.
    pub fn statistics(&self, x: &View, partial: &View) -> Dispatch {
        let rows = self.rows();
        let params = ReduceParams {
            rows: rows.rows() as u32,
            rows_a_chunk: rows.reduction_chunk() as u32,
            chunks_or_offset: rows.reduction_chunks() as u32,
            pad: 0,
        };
        self.dispatch(&STATISTICS, &[x, partial], params, rows.reduction_groups())
    }

    /// saved = (mean, invstd) of the batch; `running` moves towards its mean and unbiased variance.
    pub fn finalize(&self, partial: &View, running: &View, saved: &View) -> Dispatch {
        let rows = self.rows();
        let params = FinalizeParams {
            rows: rows.rows() as u32,
            rows_a_chunk: rows.reduction_chunk() as u32,
            chunks: rows.reduction_chunks() as u32,
            running_offset: self.offset4(),
            momentum: self.momentum,
            eps: self.eps,
            pad: [0; 2],
        };
        self.dispatch(&FINALIZE, &[partial, running, saved], params, Groups([rows.c4() as u32, 1, 1]))
    }

    /// saved = (mean, invstd) of the running statistics.
    pub fn running(&self, running: &View, saved: &View) -> Dispatch {
        let params = RunningParams { running_offset: self.offset4(), eps: self.eps, pad: [0; 2] };
        let groups = Groups::cover(self.rows().c4() as u64, RUNNING.workgroup);
        self.dispatch(&RUNNING, &[running, saved], params, groups)
    }

    /// y = activation(batchnorm(x) + shortcut).
    pub fn forward(&self, context: &Context, x: &View, y: &View) -> Dispatch {
        let shortcut = context.shortcut.view().unwrap_or(x);
        let bindings = [x, &context.saved, &context.affine, shortcut, &context.state, y];
        let rows = self.rows();
        let params = self.fused_params(context, rows.element_chunk());
        self.fused(&FORWARD, context, &bindings, params, rows.element_groups())
    }

    /// dy becomes dz = dy * activation'(z); partial = sums of dz and of dz * xhat.
    pub fn backward_reduce(&self, context: &Context, x: &View, dy: &View, partial: &View) -> Dispatch {
        let shortcut = context.shortcut.view().unwrap_or(x);
        let bindings = [x, &context.saved, &context.affine, shortcut, &context.state, dy, partial];
        let rows = self.rows();
        let params = self.fused_params(context, rows.reduction_chunk());
        self.fused(&BACKWARD_REDUCE, context, &bindings, params, rows.reduction_groups())
    }

    /// affine_gradient = (dgamma, dbeta) from the partial sums.
    pub fn backward_finalize(&self, partial: &View, affine_gradient: &View) -> Dispatch {
        let chunks = self.rows().reduction_chunks() as u32;
        let params = BackwardFinalizeParams { chunks, affine_offset: self.offset4(), pad: [0; 2] };
        let groups = Groups([self.rows().c4() as u32, 1, 1]);
        self.dispatch(&BACKWARD_FINALIZE, &[partial, affine_gradient], params, groups)
    }

    /// x becomes dx; with `train` false the statistics count as fixed.
    pub fn backward(
        &self,
        train: bool,
        dz: &View,
        context: &Context,
        affine_gradient: &View,
        x: &View,
    ) -> Dispatch {
        let rows = self.rows();
        let params = ReduceParams {
            rows: rows.rows() as u32,
            rows_a_chunk: rows.element_chunk() as u32,
            chunks_or_offset: self.offset4(),
            pad: 0,
        };
        let bindings = [dz, &context.saved, &context.affine, affine_gradient, x];
        let mut dispatch = self.dispatch(&BACKWARD, &bindings, params, rows.element_groups());
        dispatch.constants = dispatch.constants.bool("TRAIN", train);
        dispatch
    }

    fn offset4(&self) -> u32 {
        (self.stride / 4) as u32
    }

    fn fused(
        &self,
        kernel: &'static Kernel,
        context: &Context,
        bindings: &[&View],
        params: FusedParams,
        groups: Groups,
    ) -> Dispatch {
        let mut dispatch = self.dispatch(kernel, bindings, params, groups);
        let constants: Constants = dispatch.constants.with(&context.shortcut.constants());
        dispatch.constants = constants.with(&context.activation.constants(context.train));
        dispatch.activation = Some(context.activation.source());
        dispatch
    }

    fn fused_params(&self, context: &Context, rows_a_chunk: usize) -> FusedParams {
        let [shortcut_height, shortcut_width] = context.shortcut.size();
        FusedParams {
            rows: self.rows().rows() as u32,
            rows_a_chunk: rows_a_chunk as u32,
            affine_offset: self.offset4(),
            layer: context.noise.layer,
            seed: context.noise.seed,
            height: self.height as u32,
            width: self.width as u32,
            shortcut_height,
            shortcut_width,
            pad: [0; 3],
        }
    }
}

/// A per-channel vector as stored: filled up to a multiple of four with zeros.
pub fn pack_channels(values: &[f32]) -> Vec<f32> {
    let mut packed = values.to_vec();
    packed.resize(groups_of_four(values.len()) * 4, 0.0);
    packed
}
