//! Candidates of mixed precision: f16 operands in cooperative matrices, f32 sums.

use super::tiles::{Constants, Fits, blocks, candidate, chunk};
use super::weight_gradient::OUTPUT_ROWS;
use super::{Candidate, Conv, Parts, kernel};
use crate::gpu::{Access, Groups, Kernel};
use crate::kernels::{lib, shader};

/// Tiles of 64 pixels x channels; any kernel size, stride and padding.
pub static FORWARD_COOP: Kernel = kernel!(
    "conv/forward_coop",
    ["x", "weight"],
    ["y", "partial"],
    128,
    &[lib::INDEX, lib::COOP, lib::COOP_PIXELS, lib::COOP16, lib::IM2COL, lib::MOMENTS],
    &[
        "KERNEL",
        "STRIDE",
        "PAD",
        "H_IN",
        "W_IN",
        "C_IN4",
        "H_OUT",
        "W_OUT",
        "C_OUT4",
        "TILE_N4",
        "STATISTICS"
    ]
);
/// Tiles of 64 pixels of a phase x channels; any kernel size, stride and padding.
pub static INPUT_GRADIENT_COOP: Kernel = kernel!(
    "conv/input_gradient_coop",
    ["dy", "weight"],
    ["dx"],
    128,
    &[lib::INDEX, lib::COOP, lib::COOP_PIXELS, lib::COOP16, lib::IM2COL_GRADIENT],
    &[
        "KERNEL",
        "STRIDE",
        "PAD",
        "H_IN",
        "W_IN",
        "C_IN4",
        "H_OUT",
        "W_OUT",
        "C_OUT4",
        "TILE_N4",
        "ACCUMULATE"
    ]
);
/// Tiles of 64 rows of weights x channels, pixels in steps; any kernel size, stride and padding.
pub static WEIGHT_GRADIENT_COOP: Kernel = kernel!(
    "conv/weight_gradient_coop",
    ["x", "dy"],
    ["partial"],
    128,
    &[lib::COOP, lib::COOP16],
    &["KERNEL", "STRIDE", "PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4", "TILE_N4"]
);

/// Pixels, or rows of weights, of a tile.
const ROWS: usize = 64;

pub(super) const fn forward(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        Groups::line_by(conv.out_pixels().div_ceil(ROWS) as u64, blocks(conv.out4(), own) as u32)
    };
    let parts = Parts::Statistics { chunk: |conv, _| chunk(conv, ROWS), tile: 1 };
    candidate(name, &FORWARD_COOP, constants, fits, groups, parts)
}

pub(super) const fn input_gradient(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let phase = conv.batch * conv.height.div_ceil(conv.stride) * conv.width.div_ceil(conv.stride);
        let phases = conv.stride * conv.stride;
        Groups::line_by(phase.div_ceil(ROWS) as u64, (phases * blocks(conv.in4(), own)) as u32)
    };
    candidate(name, &INPUT_GRADIENT_COOP, constants, fits, groups, Parts::None)
}

pub(super) const fn weight_gradient(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let rows = (conv.kernel * conv.kernel * conv.in4() * 4).div_ceil(ROWS);
        Groups([rows as u32, blocks(conv.out4(), own) as u32, conv.splits() as u32])
    };
    candidate(name, &WEIGHT_GRADIENT_COOP, constants, fits, groups, OUTPUT_ROWS)
}

// What to know of the ground it stands on (wgpu 30.0.1):
// - WGSL names the shapes coop_mat8x8 and coop_mat16x16 only: Intel's 8x16x16 cannot be said.
// - naga declares the Vulkan memory model for these shaders without marking accesses as shared between invocations
//   (gfx-rs/wgpu 8805); barriers have been enough on the driver that ran them. `wgrad train` compares each kernel with its
//   twin first.
// - llvmpipe of Mesa 26.1 computes 8x8x8 right at 256 bits and ends with a segmentation fault at 512.
