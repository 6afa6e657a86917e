//! Candidates for GPUs: implicit GEMM of any shape, and regions of pixels with their halo for 3x3, through workgroup memory.

use super::weight_gradient::OUTPUT_ROWS;
use super::{Candidate, Conv, Filters, MadeFor, Parts, kernel};
use crate::gpu::{Access, Groups, Kernel};
use crate::kernels::{lib, shader};

/// Tiles of pixels x channels; any kernel size, stride and padding.
pub static FORWARD_GEMM: Kernel = kernel!(
    "conv/forward_gemm",
    ["x", "weight"],
    ["y", "partial"],
    64,
    &[lib::INDEX, lib::GEMM, lib::IM2COL, lib::MOMENTS],
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
        "TILE_M",
        "TILE_N4",
        "BLOCKS",
        "STATISTICS"
    ]
);
/// Regions of 8x8 pixels; 3x3, stride 1, padding 1.
pub static FORWARD_TILED: Kernel = kernel!(
    "conv/forward_tiled",
    ["x", "weight"],
    ["y", "partial"],
    64,
    &[lib::INDEX, lib::TILED3X3, lib::MOMENTS],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4", "REGIONS", "TILE_N4", "STATISTICS"]
);
/// Tiles of pixels of a phase x channels; any kernel size, stride and padding.
pub static INPUT_GRADIENT_GEMM: Kernel = kernel!(
    "conv/input_gradient_gemm",
    ["dy", "weight"],
    ["dx"],
    64,
    &[lib::INDEX, lib::GEMM, lib::IM2COL_GRADIENT],
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
        "TILE_M",
        "TILE_N4",
        "BLOCKS",
        "ACCUMULATE"
    ]
);
/// Regions of 8x8 pixels; 3x3, stride 1, padding 1.
pub static INPUT_GRADIENT_TILED: Kernel = kernel!(
    "conv/input_gradient_tiled",
    ["dy", "weight"],
    ["dx"],
    64,
    &[lib::INDEX, lib::TILED3X3],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4", "REGIONS", "TILE_N4", "ACCUMULATE"]
);
/// Tiles of weights, pixels in steps; any kernel size, stride and padding.
pub static WEIGHT_GRADIENT_GEMM: Kernel = kernel!(
    "conv/weight_gradient_gemm",
    ["x", "dy"],
    ["partial"],
    64,
    &[],
    &[
        "KERNEL", "STRIDE", "PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4", "TILE_M4", "TILE_N4",
        "STEP"
    ]
);
/// Regions of 8x8 pixels; 3x3, stride 1, any padding.
pub static WEIGHT_GRADIENT_TILED: Kernel = kernel!(
    "conv/weight_gradient_tiled",
    ["x", "dy"],
    ["partial"],
    256,
    &[],
    &["PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4", "TILE_M4", "TILE_N4"]
);

pub(super) type Constants = &'static [(&'static str, u32)];
pub(super) type Fits = fn(&Conv) -> bool;

/// Most chunks of statistics that every reader joins again.
const MOST_CHUNKS: usize = 1024;

/// That many pixels, where there are not too many chunks of them.
pub(super) fn chunk(conv: &Conv, pixels: usize) -> Option<usize> {
    (conv.out_pixels().div_ceil(pixels) <= MOST_CHUNKS).then_some(pixels)
}

pub(super) const fn candidate(
    name: &'static str,
    kernel: &'static Kernel,
    constants: Constants,
    fits: Fits,
    groups: fn(&Conv, &Candidate) -> Groups,
    parts: Parts,
) -> Candidate {
    Candidate {
        name,
        kernel,
        constants,
        filters: Filters::Plain,
        fits,
        groups,
        parts,
        made_for: MadeFor::Gpu,
    }
}

/// Blocks of TILE_N4 groups of channels.
pub(super) fn blocks(groups: usize, own: &Candidate) -> usize {
    groups.div_ceil(own.tile("TILE_N4"))
}

fn regions(batch: usize, height: usize, width: usize) -> usize {
    batch * height.div_ceil(8) * width.div_ceil(8)
}

/// TILE_M, TILE_N4, BLOCKS.
pub(super) const fn forward_gemm(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let tiles = conv.out_pixels().div_ceil(own.tile("TILE_M"));
        Groups::line_by(tiles as u64, blocks(conv.out4(), own) as u32)
    };
    let parts = Parts::Statistics { chunk: |conv, own| chunk(conv, own.tile("TILE_M")), tile: 1 };
    candidate(name, &FORWARD_GEMM, constants, fits, groups, parts)
}

/// REGIONS, TILE_N4.
pub(super) const fn forward_tiled(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let lines = regions(conv.batch, conv.height, conv.width).div_ceil(own.tile("REGIONS"));
        Groups::line_by(lines as u64, blocks(conv.out4(), own) as u32)
    };
    let regions = |conv: &Conv, own: &Candidate| {
        let whole = conv.height.is_multiple_of(8) && conv.width.is_multiple_of(8);
        chunk(conv, 64 * own.tile("REGIONS")).filter(|_| whole)
    };
    candidate(name, &FORWARD_TILED, constants, fits, groups, Parts::Statistics { chunk: regions, tile: 8 })
}

/// TILE_M, TILE_N4, BLOCKS.
pub(super) const fn input_gradient_gemm(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let phase = conv.batch * conv.height.div_ceil(conv.stride) * conv.width.div_ceil(conv.stride);
        let phases = conv.stride * conv.stride;
        let tiles = phase.div_ceil(own.tile("TILE_M"));
        Groups::line_by(tiles as u64, (phases * blocks(conv.in4(), own)) as u32)
    };
    candidate(name, &INPUT_GRADIENT_GEMM, constants, fits, groups, Parts::None)
}

/// REGIONS, TILE_N4.
pub(super) const fn input_gradient_tiled(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let lines = regions(conv.batch, conv.height, conv.width).div_ceil(own.tile("REGIONS"));
        Groups::line_by(lines as u64, blocks(conv.in4(), own) as u32)
    };
    candidate(name, &INPUT_GRADIENT_TILED, constants, fits, groups, Parts::None)
}

/// TILE_M4, TILE_N4, STEP.
pub(super) const fn weight_gradient_gemm(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let rows = (conv.kernel * conv.kernel * conv.in4()).div_ceil(own.tile("TILE_M4"));
        Groups([rows as u32, blocks(conv.out4(), own) as u32, conv.splits() as u32])
    };
    candidate(name, &WEIGHT_GRADIENT_GEMM, constants, fits, groups, OUTPUT_ROWS)
}

/// TILE_M4, TILE_N4; a split is a run of regions.
pub(super) const fn weight_gradient_tiled(name: &'static str, constants: Constants, fits: Fits) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let inputs = conv.in4().div_ceil(own.tile("TILE_M4"));
        Groups([inputs as u32, blocks(conv.out4(), own) as u32, conv.splits() as u32])
    };
    let parts = Parts::Splits { units_per_image: |conv| regions(1, conv.out_height(), conv.out_width()) };
    candidate(name, &WEIGHT_GRADIENT_TILED, constants, fits, groups, parts)
}
