//! The whole gradient's norm, and the factor that clips it.

use super::{dispatch, fours, kernel};
use crate::Result;
use crate::gpu::{Access, Buffer, Dispatch, Gpu, Groups, Kernel, View};
use crate::kernels::{lib, shader};

/// Sums of squares, one a workgroup.
pub static SQUARE_SUM: Kernel = kernel(
    "optimizer/square_sum",
    shader!("optimizer/square_sum"),
    &[lib::STATE, lib::REDUCE],
    &[("gradient", Access::Read), ("state", Access::Read), ("sums", Access::Write)],
    64,
    &[],
);
/// The norm and the factor.
pub static CLIP: Kernel = kernel(
    "optimizer/clip",
    shader!("optimizer/clip"),
    &[lib::STATE, lib::REDUCE],
    &[("sums", Access::Read), ("state", Access::Write)],
    64,
    &[],
);

/// Most workgroups that sum: each further one makes the second sum longer.
const MOST: u32 = 256;

/// The sums on their way to the norm.
#[derive(Debug)]
pub struct GradientNorm {
    sums: Buffer,
    groups: u32,
}

impl GradientNorm {
    /// Room for a flat gradient of this many words.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn new(gpu: &Gpu, words: usize) -> Result<Self> {
        let groups = (words as u32 / 4).div_ceil(SQUARE_SUM.workgroup).clamp(1, MOST);
        Ok(Self { sums: gpu.buffer("sums of squares", groups as usize)?, groups })
    }

    /// state.norm = the gradient's norm, over the loss scale; state.factor = what brings it to `most` where it is larger.
    pub fn dispatches(&self, gradient: &View, state: &View, most: f32) -> [Dispatch; 2] {
        let sums = self.sums.view();
        let params = [fours(gradient), self.groups, 0, 0];
        let squares = dispatch(&SQUARE_SUM, [gradient, state, &sums], params, Groups([self.groups, 1, 1]));
        let params = [self.groups, most.to_bits(), 0, 0];
        [squares, dispatch(&CLIP, [&sums, state], params, Groups([1, 1, 1]))]
    }
}
