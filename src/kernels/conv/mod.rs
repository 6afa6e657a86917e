//! Convolutions: 2-D, square kernel, zero padding, no bias (`shaders/conv`). Each direction has several candidates, from a
//! naive first rung on; [`Choices`] says which one computes a shape.

mod candidate;
mod choices;
mod coop;
mod cut;
mod forward;
mod input_gradient;
mod layout;
mod shape;
mod tiles;
mod weight_gradient;
mod winograd;

pub use candidate::{Candidate, Direction, MadeFor, Parts, Precision};
pub use choices::Choices;
pub use coop::{FORWARD_COOP, INPUT_GRADIENT_COOP, WEIGHT_GRADIENT_COOP};
pub use forward::{FORWARD_DIRECT, FORWARD_NAIVE, FORWARD_STRIDED, FORWARD_WINOGRAD2, FORWARD_WINOGRAD4};
pub use input_gradient::{
    INPUT_GRADIENT_DIRECT, INPUT_GRADIENT_NAIVE, INPUT_GRADIENT_STRIDE2, INPUT_GRADIENT_WINOGRAD2,
    INPUT_GRADIENT_WINOGRAD4,
};
pub use layout::{pack_weights, unpack_weights};
pub use shape::Conv;
pub use tiles::{
    FORWARD_GEMM, FORWARD_TILED, INPUT_GRADIENT_GEMM, INPUT_GRADIENT_TILED, WEIGHT_GRADIENT_GEMM,
    WEIGHT_GRADIENT_TILED,
};
pub use weight_gradient::{
    WEIGHT_GRADIENT_BANDS, WEIGHT_GRADIENT_DIRECT, WEIGHT_GRADIENT_NAIVE, WEIGHT_GRADIENT_WINOGRAD4,
};
pub use winograd::{Filters, TransformedWeights, WINOGRAD_WEIGHTS, winograd_weights};

use crate::gpu::{Dispatch, Groups, View};

/// Constants of kernels that take any shape.
const SHAPE: &[&str] = &["KERNEL", "STRIDE", "PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4"];
/// The same for gradients that may be added to what is there.
const SHAPE_ACCUMULATE: &[&str] =
    &["KERNEL", "STRIDE", "PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4", "ACCUMULATE"];

macro_rules! kernel {
    ($name:literal, [$($read:literal),*], [$($write:literal),*], $workgroup:literal, $libraries:expr, $constants:expr) => {
        Kernel {
            name: $name,
            source: shader!($name),
            libraries: $libraries,
            bindings: &[$(($read, Access::Read),)* $(($write, Access::Write)),*],
            params_bytes: 16,
            workgroup: $workgroup,
            constants: $constants,
            activation: false,
        }
    };
}
use kernel;

/// An invocation for each item, in a line, times `blocks` in z.
fn per_channel_group(items: usize, blocks: usize, own: &Candidate) -> Groups {
    let Groups([x, y, _]) = Groups::cover(items as u64, own.workgroup());
    Groups([x, y, blocks as u32])
}

/// Square tiles of `side` input pixels, of all images.
fn tiles_of(conv: &Conv, side: usize) -> usize {
    conv.batch * conv.height.div_ceil(side) * conv.width.div_ceil(side)
}

impl Conv {
    /// A dispatch of a candidate on the views that its kernel binds, first ones first; its parameters are the batch, `more` and 0.
    fn dispatch(&self, candidate: &Candidate, views: &[&View], more: [u32; 2]) -> Dispatch {
        let kernel = candidate.kernel;
        Dispatch::new(
            kernel,
            &views[..kernel.bindings.len().min(views.len())],
            [self.batch as u32, more[0], more[1], 0],
            (candidate.groups)(self, candidate),
        )
        .constants(self.constants().with(&candidate.own_constants()))
        .flops(self.flops())
    }
}
