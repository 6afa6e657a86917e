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
            workgroup: Rows::WIDE,
            constants: $constants,
            activation: $activation,
        }
    };
}

const ROWS: &[&str] = &["C4", "PIXELS", "CHANNELS"];
const FUSED: &[&str] = &["C4", "PIXELS", "CHANNELS", "SHORTCUT", "SHORTCUT_C", "TRAIN", "STOCHASTIC"];
const FUSED_FORWARD: &[&str] =
    &["C4", "PIXELS", "CHANNELS", "SHORTCUT", "SHORTCUT_C", "TRAIN", "STOCHASTIC", "AGAIN"];

/// Means and squared deviations of chunks of rows, where the convolution has not left them.
pub static STATISTICS: Kernel = kernel!(
    "batchnorm/statistics",
    &[("x", Access::Read), ("partial", Access::Write)],
    RowParams,
    &[lib::ROWS, lib::FOUR, lib::REDUCE],
    ROWS,
    false
);
/// y = activation(batchnorm(x) + shortcut).
pub static FORWARD: Kernel = kernel!(
    "batchnorm/forward",
    &[
        ("x", Access::Read),
        ("partial", Access::Read),
        ("affine", Access::Read),
        ("shortcut", Access::Read),
        ("state", Access::Read),
        ("running", Access::Write),
        ("saved", Access::Write),
        ("y", Access::Write),
    ],
    ForwardParams,
    &[
        lib::INDEX,
        lib::ROWS,
        lib::FOUR,
        lib::REDUCE,
        lib::NORMALIZE,
        lib::SHORTCUT,
        lib::STATE,
        lib::PHILOX,
        lib::ACTIVATION,
    ],
    FUSED_FORWARD,
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
        lib::ACTIVATION,
    ],
    FUSED,
    true
);
/// dx in place of x, gamma's and beta's gradients.
pub static BACKWARD: Kernel = kernel!(
    "batchnorm/backward",
    &[
        ("dz", Access::Read),
        ("saved", Access::Read),
        ("affine", Access::Read),
        ("partial", Access::Read),
        ("affine_gradient", Access::Write),
        ("x", Access::Write),
    ],
    RowParams,
    &[lib::INDEX, lib::ROWS, lib::FOUR, lib::REDUCE],
    &["C4", "PIXELS", "CHANNELS", "TRAIN"],
    false
);

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct RowParams {
    rows: u32,
    rows_per_chunk: u32,
    affine_offset: u32,
    chunks: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct FusedParams {
    rows: u32,
    rows_per_chunk: u32,
    affine_offset: u32,
    layer: u32,
    seed: u32,
    height: u32,
    width: u32,
    shortcut_height: u32,
    shortcut_width: u32,
    pad: [u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct ForwardParams {
    rows: u32,
    rows_per_chunk: u32,
    affine_offset: u32,
    layer: u32,
    seed: u32,
    height: u32,
    width: u32,
    shortcut_height: u32,
    shortcut_width: u32,
    chunks: u32,
    rows_per_partial: u32,
    running_offset: u32,
    momentum: f32,
    eps: f32,
    pad: [u32; 2],
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
    /// Invocations of a workgroup, as of [`Rows`].
    pub workgroup: u32,
}

/// The views that the fused kernels use besides x.
#[derive(Clone, Debug)]
pub struct Context {
    /// Mean and invstd, 2 x channels filled up: the forward pass writes it, the backward pass reads it.
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

/// Where a batch's statistics come from, and where the running ones are.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Mean and squared deviations of chunks of rows: chunks,2,channels filled up. Not read in evaluation.
    pub partial: View,
    /// Rows of a chunk.
    pub chunk: usize,
    /// Running mean, and running variance `stride` words on.
    pub running: View,
}

impl BatchNorm {
    /// The tensor as rows.
    pub fn rows(&self) -> Rows {
        Rows {
            batch: self.batch,
            pixels: self.height * self.width,
            channels: self.channels,
            workgroup: self.workgroup,
        }
    }

    /// Words of partial sums over chunks of `chunk` rows.
    pub fn partial_words(&self, chunk: usize) -> usize {
        self.rows().rows().div_ceil(chunk) * self.rows().c4() * 8
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
        Dispatch::new(kernel, bindings, params, groups).constants(self.rows().constants())
    }

    /// partial = statistics of chunks of [`Rows::reduction_chunk`] rows of x.
    pub fn statistics(&self, x: &View, partial: &View) -> Dispatch {
        let rows = self.rows();
        let params = self.row_params(rows.reduction_chunk());
        self.dispatch(&STATISTICS, &[x, partial], params, rows.reduction_groups())
    }

    /// y = activation(batchnorm(x) + shortcut); writes the context's saved mean and invstd and, in training, the running
    /// statistics.
    pub fn forward(&self, context: &Context, statistics: &Statistics, x: &View, y: &View) -> Dispatch {
        self.forward_form(context, statistics, [x, y], false)
    }

    /// y once more, from the saved mean and invstd that [`BatchNorm::forward`] left: the same bits; no statistics move.
    pub fn forward_again(&self, context: &Context, statistics: &Statistics, x: &View, y: &View) -> Dispatch {
        self.forward_form(context, statistics, [x, y], true)
    }

    fn forward_form(
        &self,
        context: &Context,
        statistics: &Statistics,
        [x, y]: [&View; 2],
        again: bool,
    ) -> Dispatch {
        let shortcut = context.shortcut.view().unwrap_or(x);
        let Statistics { partial, chunk, running } = statistics;
        let bindings = [x, partial, &context.affine, shortcut, &context.state, running, &context.saved, y];
        let rows = self.rows();
        let [shortcut_height, shortcut_width] = context.shortcut.size();
        let params = ForwardParams {
            rows: rows.rows() as u32,
            rows_per_chunk: rows.element_chunk() as u32,
            affine_offset: self.offset4(),
            layer: context.noise.layer,
            seed: context.noise.seed,
            height: self.height as u32,
            width: self.width as u32,
            shortcut_height,
            shortcut_width,
            chunks: rows.rows().div_ceil(*chunk) as u32,
            rows_per_partial: *chunk as u32,
            running_offset: self.offset4(),
            momentum: self.momentum,
            eps: self.eps,
            pad: [0; 2],
        };
        let groups = rows.element_groups();
        self.fused(&FORWARD, context, &bindings, params, groups)
            .constants(Constants::new().bool("AGAIN", again))
    }

    /// dy becomes dz = dy * activation'(z); partial = sums of dz and of dz * xhat, of chunks of
    /// [`Rows::reduction_chunk`] rows.
    pub fn backward_reduce(&self, context: &Context, x: &View, dy: &View, partial: &View) -> Dispatch {
        let shortcut = context.shortcut.view().unwrap_or(x);
        let bindings = [x, &context.saved, &context.affine, shortcut, &context.state, dy, partial];
        let rows = self.rows();
        let [shortcut_height, shortcut_width] = context.shortcut.size();
        let params = FusedParams {
            rows: rows.rows() as u32,
            rows_per_chunk: rows.reduction_chunk() as u32,
            affine_offset: self.offset4(),
            layer: context.noise.layer,
            seed: context.noise.seed,
            height: self.height as u32,
            width: self.width as u32,
            shortcut_height,
            shortcut_width,
            pad: [0; 3],
        };
        self.fused(&BACKWARD_REDUCE, context, &bindings, params, rows.reduction_groups())
    }

    /// x becomes dx, and affine_gradient (dgamma, dbeta), from what [`BatchNorm::backward_reduce`] left; with the context's
    /// `train` false the statistics count as fixed.
    pub fn backward(
        &self,
        context: &Context,
        dz: &View,
        partial: &View,
        affine_gradient: &View,
        x: &View,
    ) -> Dispatch {
        let rows = self.rows();
        let bindings = [dz, &context.saved, &context.affine, partial, affine_gradient, x];
        let params = self.row_params(rows.element_chunk());
        let mut dispatch = self.dispatch(&BACKWARD, &bindings, params, rows.element_groups());
        dispatch.constants = dispatch.constants.bool("TRAIN", context.train);
        dispatch
    }

    /// The chunks are those of a reduction.
    fn row_params(&self, rows_per_chunk: usize) -> RowParams {
        let rows = self.rows();
        RowParams {
            rows: rows.rows() as u32,
            rows_per_chunk: rows_per_chunk as u32,
            affine_offset: self.offset4(),
            chunks: rows.reduction_chunks() as u32,
        }
    }

    fn offset4(&self) -> u32 {
        (self.stride / 4) as u32
    }

    fn fused(
        &self,
        kernel: &'static Kernel,
        context: &Context,
        bindings: &[&View],
        params: impl Pod,
        groups: Groups,
    ) -> Dispatch {
        let mut dispatch = self.dispatch(kernel, bindings, params, groups);
        let constants: Constants = dispatch.constants.with(&context.shortcut.constants());
        dispatch.constants = constants.with(&context.activation.constants(context.train));
        dispatch.activation = Some(context.activation.source());
        dispatch
    }
}

/// A per-channel vector as stored: filled up to a multiple of four with zeros.
pub fn pack_channels(values: &[f32]) -> Vec<f32> {
    let mut packed = values.to_vec();
    packed.resize(groups_of_four(values.len()) * 4, 0.0);
    packed
}

// Noise. ResNet-56, batch 32, lavapipe 26.1: what dropact adds to relu's step, medians of 7 processes of a dozen turns each, on two
// Zen 5 cores with 512 bits, where relu's step takes 260 ms and Philox is a chain of 10 rounds of 15 to 20 cycles:
// - Philox in words of 32 bits, drawn where it is used: 3.2 %. With the high half of a product as one multiplication of 64 bits: 3.0 %
//   (dropout 3.8 to 2.4 %). Drawn first in the loop besides, so that the chain runs while the loads wait: 2.3 % (dropout 1.3 %).
// Rejected there (device's clock, least of 5 to 10 processes, forward and backward_reduce, relu 12.7 and 17.5 ms, then 16.1 and 21.5):
// - Two rows a turn, their rounds in turns: between 0 and 0.5 ms forward, 1.2 ms backward, within the noise between processes. The
//   next row's noise before this row's store: slower.
// On two Zen 3 cores with 256 bits, turns of two builds in `wgrad profile` (medians of four), where dropact adds 14 ms to each:
// - What a layer's blocks share of Philox's first two rounds taken out of the loop: nothing.
// On two threads of one Ice Lake core, 512 bits, the machine's samples in the kernels of ResNet-56 (`perf record`): what the noise takes
// for 100 samples in the gathers and scatters of the same kernel, where there are 16, 12 and 8 of them:
// - One multiplication of 64 bits for a high half: 44, 65, 132; a round is 20 instructions of two ports. All words in 64 bits, as
//   lib/philox64 has it: 42, 56, 124; a round is 12. With the seed and the step read before the loop besides, so that LLVM takes the ten
//   keys out of it: 37, 30, 93. Eight of the 12 need the one port that multiplies and shifts, which is the limit now.
// Rejected there:
// - `u64(u32(x))` in the place of the mask in lib/philox64: LLVM narrows the words again, and widens them for the next product.
// - Two numbers of 16 bits a word, for rows 16 apart, so that two rows share a block: dropact's forward and backward_reduce 38.7 to 35.2
//   and 42.3 to 39.5 ms (medians of four, without a test for an odd row; with it nothing is left). About as much as lib/philox64 gains,
//   but it would number the noise anew and round probabilities to 1 / 65,536.
