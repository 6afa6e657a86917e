//! The gradient with respect to the weights, in parts that optimizer/reduce adds up.

use super::{Candidate, Conv, Filters, MadeFor, Parts, SHAPE, coop, kernel, tiles, winograd};
use crate::Result;
use crate::gpu::{Access, Dispatch, Groups, Kernel, View};
use crate::kernels::{lib, shader};

/// One weight group an invocation; any kernel size, stride and padding.
pub static WEIGHT_GRADIENT_NAIVE: Kernel =
    kernel!("conv/weight_gradient_naive", ["x", "dy"], ["partial"], 64, &[], SHAPE);
/// Nine taps in registers; 3x3, any stride and padding.
pub static WEIGHT_GRADIENT_DIRECT: Kernel = kernel!(
    "conv/weight_gradient_direct",
    ["x", "dy"],
    ["partial"],
    16,
    &[lib::TAP_SUMS],
    &["STRIDE", "PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4"]
);
/// Bands of eight rows; 3x3, stride 1, any padding.
pub static WEIGHT_GRADIENT_BANDS: Kernel = kernel!(
    "conv/weight_gradient_bands",
    ["x", "dy"],
    ["partial"],
    16,
    &[lib::TAP_SUMS],
    &["PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4"]
);
/// Winograd's F(3x3,4x4) in registers; 3x3, stride 1, padding 1.
pub static WEIGHT_GRADIENT_WINOGRAD4: Kernel = kernel!(
    "conv/weight_gradient_winograd4",
    ["x", "dy"],
    ["partial"],
    16,
    &[lib::WINOGRAD4_GRADIENT],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4"]
);

/// Ways to compute it; the first takes any shape.
pub(super) const CANDIDATES: &[Candidate] = &[
    Candidate {
        name: "naive",
        kernel: &WEIGHT_GRADIENT_NAIVE,
        constants: &[],
        filters: Filters::Plain,
        fits: |_| true,
        groups: |conv, own| {
            let items = (conv.weight_words() as u32 / 4).div_ceil(own.workgroup());
            Groups([items, 1, conv.splits() as u32])
        },
        parts: Parts::Splits { units_per_image: |_| 1 },
        made_for: MadeFor::Comparison,
    },
    Candidate {
        name: "direct8",
        kernel: &WEIGHT_GRADIENT_DIRECT,
        constants: &[],
        filters: Filters::Plain,
        fits: |conv| conv.kernel == 3,
        groups: |conv, own| lanes(conv, own, conv.out4().div_ceil(2)),
        parts: OUTPUT_ROWS,
        made_for: MadeFor::Any,
    },
    Candidate {
        name: "bands",
        kernel: &WEIGHT_GRADIENT_BANDS,
        constants: &[],
        filters: Filters::Plain,
        fits: |conv| conv.kernel == 3 && conv.stride == 1,
        groups: |conv, own| lanes(conv, own, conv.out4().div_ceil(2)),
        parts: Parts::Splits { units_per_image: |conv| conv.out_height().div_ceil(8) },
        made_for: MadeFor::Cpu,
    },
    winograd::weight_gradient("winograd4x16", &[], |conv| conv.is_3x3(1)),
    winograd::weight_gradient("winograd4x32", &[("WORKGROUP", 32)], |conv| conv.is_3x3(1) && conv.out4() > 4),
    winograd::weight_gradient("winograd4x64", &[("WORKGROUP", 64)], |conv| conv.is_3x3(1) && conv.out4() > 8),
    // For GPUs the last that fits is the guess.
    tiles::weight_gradient_gemm("gemm64x64", &[("TILE_M4", 16), ("TILE_N4", 16), ("STEP", 16)], |conv| {
        conv.out4() > 8
    }),
    tiles::weight_gradient_gemm("gemm32x32", &[("TILE_M4", 8), ("TILE_N4", 8), ("STEP", 32)], |_| true),
    tiles::weight_gradient_gemm("gemm64x16", &[("TILE_M4", 16), ("TILE_N4", 4), ("STEP", 32)], |conv| {
        conv.out4() <= 4
    }),
    tiles::weight_gradient_tiled("tiled16x16", &[("TILE_M4", 4), ("TILE_N4", 4)], |conv| {
        conv.kernel == 3 && conv.stride == 1
    }),
    tiles::weight_gradient_tiled(
        "tiled8x16",
        &[("TILE_M4", 2), ("TILE_N4", 4), ("WORKGROUP", 128)],
        |conv| conv.kernel == 3 && conv.stride == 1,
    ),
    // Of mixed precision.
    coop::weight_gradient("coop64x16", &[("TILE_N4", 4)], |_| true),
    coop::weight_gradient("coop64x32", &[("TILE_N4", 8)], |conv| conv.out4() > 4),
];

/// Splits that are runs of output rows.
pub(super) const OUTPUT_ROWS: Parts = Parts::Splits { units_per_image: Conv::out_height };

/// An invocation for each input channel, times `blocks` of output channels, times the splits.
fn lanes(conv: &Conv, own: &Candidate, blocks: usize) -> Groups {
    let lanes = (conv.in4() * 4).div_ceil(own.workgroup() as usize);
    Groups([lanes as u32, blocks as u32, conv.splits() as u32])
}

impl Conv {
    /// partial = gradient with respect to the weights, in [`Conv::splits`] parts of `stride` words each.
    ///
    /// # Errors
    /// As [`Conv::forward`].
    pub fn weight_gradient(
        &self,
        candidate: &Candidate,
        [x, dy]: [&View; 2],
        partial: &View,
        stride: usize,
    ) -> Result<Dispatch> {
        let lengths = [
            (x, self.input_words(), "x"),
            (dy, self.output_words(), "dy"),
            (partial, stride * (self.splits() - 1) + self.weight_words(), "partial"),
        ];
        self.check(candidate.kernel, lengths)?;
        let units = self.units_per_split(candidate) as u32;
        Ok(self.dispatch(candidate, &[x, dy, partial], [units, stride as u32]))
    }
}

// Rejected. Lavapipe 26.1, vectors of 512 bits; 16, 32 and 64 channels, batch 32; GFLOP/s, turns of one run on two Zen 4 cores.
// `bands` gives 96, 94 and 104 there.
// - One column at a time, nine taps x 4 output channels at once: 72, 72 and 81. Its 36 sums do not fit 32 registers, and the
//   moves to the stack take what fewer loads save; so do 8 or 16 output channels at once (105 and 102 beside 102 on Zen 5).
// - Two output channels at once (18 sums): the same with 512 bits, 0.9 of it with 256; four at once: 62, 62 and 56.
// - Half the output channels (4): 87, 88 and 93; twice as many: 97, 98 and 103. Bands of 4 rows: 93, 93 and 94. Two columns: 94,
//   94 and 104; eight: 101, 95 and 111 at the first, but 17 KB more of machine code.
// - dy as single numbers: the same on 26.1, 0.6 on 22.3, which takes a group's four channels from one load.
// - Loads of dy a row ahead of their use: 0.93 to 0.97 on 26.1, 1.06 on 22.3.
// - Two input channels an invocation, loaded as 64 bits, x 4 output channels, so half the loads of both for the same sums: 1.00 and
//   1.04 times the speed at 32 and 64 channels (medians of 6 turns), 0.8 of it on 22.3.
// - With x the same for all lanes (wrong results) 120 to 138: the loads lane by lane cost a quarter.
// - dy in pairs of 64 bits, as lib/four gives it: 0.99, 0.95 and 0.98 times the speed of the older form (medians of 10 turns).
// Lavapipe 26.1 with 256 bits (16 registers), two Zen 3 cores without AVX-512, in turns of one process; 16, 32 and 64 channels, batch 32:
// - Pixels not tied to each other, as it was: 0.68 to 0.81 of the speed. One sum tied a pixel, in turn 0.85, 0.9 and 0.95 of it; all nine
//   every second pixel, the same as it is; always the last sum: no gain, the other eight are put off.
// - Ties in direct8, which has blocks of 36 multiply-adds only: 1.04 to 1.1 times, not taken, since GPUs use that kernel too.
// - Each output channel in a loop of one turn, which ends LLVM's block: 1.2 to 1.5 times untied, but the loop's masks cost what is won.
// - dy of a band in workgroup memory: 1.35 times untied, 0.8 of it on 22.3; an index that is not constant is checked there too.
// - dy of a step in workgroup memory at constant places, pixels tied: with 16 invocations to share the copy 0.82, 0.76 and 0.65 of the
//   speed with 512 bits, with one for each channel 0.82, 0.85 and 1.15; with 256 bits 0.97, 0.96 and 0.97 (Zen 4, in turns).
