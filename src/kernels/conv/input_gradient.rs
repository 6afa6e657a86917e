//! dx, the gradient with respect to x.

use super::{
    Candidate, Conv, Direction, Filters, MadeFor, Parts, SHAPE_ACCUMULATE, coop, kernel, per_channel_group,
    tiles, tiles_of, winograd,
};
use crate::Result;
use crate::gpu::{Access, Dispatch, Groups, Kernel, View};
use crate::kernels::{lib, shader};

/// One input group an invocation; any kernel size, stride and padding.
pub static INPUT_GRADIENT_NAIVE: Kernel =
    kernel!("conv/input_gradient_naive", ["dy", "weight"], ["dx"], 64, &[lib::INDEX], SHAPE_ACCUMULATE);
/// Register tiles; 3x3, stride 1, padding 1.
pub static INPUT_GRADIENT_DIRECT: Kernel = kernel!(
    "conv/input_gradient_direct",
    ["dy", "weight"],
    ["dx"],
    16,
    &[lib::INDEX, lib::FOUR, lib::DIRECT3X3],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4", "BLOCKS", "ACCUMULATE"]
);
/// Blocks of 2x2 pixels; 3x3, stride 2, padding 1.
pub static INPUT_GRADIENT_STRIDE2: Kernel = kernel!(
    "conv/input_gradient_stride2",
    ["dy", "weight"],
    ["dx"],
    32,
    &[lib::INDEX, lib::FOUR],
    &["H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4", "ACCUMULATE"]
);
/// Winograd's F(2x2,3x3) through workgroup memory; 3x3, stride 1, padding 1.
pub static INPUT_GRADIENT_WINOGRAD2: Kernel = kernel!(
    "conv/input_gradient_winograd2",
    ["dy", "weight"],
    ["dx"],
    256,
    &[lib::INDEX, lib::FOUR, lib::WINOGRAD2],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4", "BLOCKS", "ACCUMULATE"]
);
/// Winograd's F(4x4,3x3) in registers; 3x3, stride 1, padding 1.
pub static INPUT_GRADIENT_WINOGRAD4: Kernel = kernel!(
    "conv/input_gradient_winograd4",
    ["dy", "weight"],
    ["dx"],
    128,
    &[lib::INDEX, lib::FOUR, lib::WINOGRAD4],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4", "ACCUMULATE"]
);

/// Ways to compute it; the first takes any shape.
pub(super) const CANDIDATES: &[Candidate] = &[
    Candidate {
        name: "naive",
        kernel: &INPUT_GRADIENT_NAIVE,
        constants: &[],
        filters: Filters::Plain,
        fits: |_| true,
        groups: |conv, own| Groups::cover(conv.input_words() as u64 / 4, own.workgroup()),
        parts: Parts::None,
        made_for: MadeFor::Comparison,
    },
    Candidate {
        name: "stride2",
        kernel: &INPUT_GRADIENT_STRIDE2,
        constants: &[],
        filters: Filters::Plain,
        fits: |conv| conv.is_3x3(2),
        groups: |conv, own| per_channel_group(tiles_of(conv, 2), conv.in4().div_ceil(2), own),
        parts: Parts::None,
        made_for: MadeFor::Any,
    },
    Candidate {
        name: "direct4",
        kernel: &INPUT_GRADIENT_DIRECT,
        constants: &[("BLOCKS", 1)],
        filters: Filters::Plain,
        fits: |conv| conv.is_3x3(1),
        groups: |conv, own| per_channel_group(tiles_of(conv, 4), conv.in4(), own),
        parts: Parts::None,
        made_for: MadeFor::Any,
    },
    // Before direct8, which is the faster of the two on older CPU drivers: taken only where it was measured.
    Candidate {
        name: "winograd4",
        kernel: &INPUT_GRADIENT_WINOGRAD4,
        constants: &[],
        filters: Filters::Winograd4,
        fits: |conv| conv.is_3x3(1) && conv.in4() > 2,
        groups: |conv, own| per_channel_group(tiles_of(conv, 4), conv.in4().div_ceil(4), own),
        parts: Parts::None,
        made_for: MadeFor::ScalarCpu,
    },
    Candidate {
        name: "direct8",
        kernel: &INPUT_GRADIENT_DIRECT,
        constants: &[("BLOCKS", 2)],
        filters: Filters::Plain,
        fits: |conv| conv.is_3x3(1) && conv.in4() > 1,
        groups: |conv, own| per_channel_group(tiles_of(conv, 4), conv.in4().div_ceil(2), own),
        parts: Parts::None,
        made_for: MadeFor::Cpu,
    },
    Candidate {
        name: "winograd2x16",
        kernel: &INPUT_GRADIENT_WINOGRAD2,
        constants: &[("BLOCKS", 4), ("WORKGROUP", 128)],
        filters: Filters::Winograd2,
        fits: |conv| conv.is_3x3(1),
        groups: |conv, own| winograd::groups2(conv, conv.in4(), own),
        parts: Parts::None,
        made_for: MadeFor::Gpu,
    },
    Candidate {
        name: "winograd2x32",
        kernel: &INPUT_GRADIENT_WINOGRAD2,
        constants: &[("BLOCKS", 8)],
        filters: Filters::Winograd2,
        fits: |conv| conv.is_3x3(1) && conv.in4() > 4,
        groups: |conv, own| winograd::groups2(conv, conv.in4(), own),
        parts: Parts::None,
        made_for: MadeFor::Gpu,
    },
    // For GPUs the last that fits is the guess: larger tiles where there are channels to fill them.
    tiles::input_gradient_gemm("gemm64x32", &[("TILE_M", 64), ("TILE_N4", 8), ("BLOCKS", 1)], |_| true),
    tiles::input_gradient_gemm(
        "gemm128x64",
        &[("TILE_M", 128), ("TILE_N4", 16), ("BLOCKS", 2), ("WORKGROUP", 128)],
        |conv| conv.in4() > 8,
    ),
    tiles::input_gradient_gemm("gemm128x32", &[("TILE_M", 128), ("TILE_N4", 8), ("BLOCKS", 2)], |_| true),
    tiles::input_gradient_gemm("gemm128x16", &[("TILE_M", 128), ("TILE_N4", 4), ("BLOCKS", 1)], |conv| {
        conv.in4() <= 4
    }),
    tiles::input_gradient_tiled("tiled256x16", &[("REGIONS", 4), ("TILE_N4", 4)], |conv| conv.is_3x3(1)),
    tiles::input_gradient_tiled(
        "tiled128x64",
        &[("REGIONS", 2), ("TILE_N4", 16), ("WORKGROUP", 128)],
        |conv| conv.is_3x3(1) && conv.in4() > 8,
    ),
    tiles::input_gradient_tiled("tiled128x32", &[("REGIONS", 2), ("TILE_N4", 8)], |conv| {
        conv.is_3x3(1) && conv.in4() > 4
    }),
    // Of mixed precision.
    coop::input_gradient("coop64x16", &[("TILE_N4", 4)], |_| true),
    coop::input_gradient("coop64x32", &[("TILE_N4", 8)], |conv| conv.in4() > 4),
];

impl Conv {
    /// dx = gradient with respect to x, with the weights in the form that the candidate reads; `accumulate` adds to what dx holds.
    ///
    /// # Errors
    /// As [`Conv::forward`].
    pub fn input_gradient(
        &self,
        candidate: &Candidate,
        [dy, weight]: [&View; 2],
        dx: &View,
        accumulate: bool,
    ) -> Result<Dispatch> {
        let lengths = [
            (dy, self.output_words(), "dy"),
            (weight, self.filter_words(Direction::InputGradient, candidate.filters), "weight"),
            (dx, self.input_words(), "dx"),
        ];
        self.check(candidate.kernel, lengths)?;
        let mut dispatch = self.dispatch(candidate, &[dy, weight, dx], [0, 0]);
        dispatch.constants = dispatch.constants.bool("ACCUMULATE", accumulate);
        Ok(dispatch)
    }
}
