//! y = conv(x, weight).

use super::{
    Candidate, Conv, Direction, Filters, MadeFor, Parts, SHAPE, coop, kernel, per_channel_group, tiles,
    tiles_of, winograd,
};
use crate::Result;
use crate::gpu::{Access, Dispatch, Groups, Kernel, View};
use crate::kernels::{lib, shader};

/// One output group an invocation; any kernel size, stride and padding.
pub static FORWARD_NAIVE: Kernel =
    kernel!("conv/forward_naive", ["x", "weight"], ["y"], 64, &[lib::INDEX], SHAPE);
/// Register tiles; 3x3, stride 1, padding 1.
pub static FORWARD_DIRECT: Kernel = kernel!(
    "conv/forward_direct",
    ["x", "weight"],
    ["y", "partial"],
    16,
    &[lib::INDEX, lib::FOUR, lib::DIRECT3X3],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4", "BLOCKS", "STATISTICS"]
);
/// Runs of four pixels; any kernel size, stride and padding.
pub static FORWARD_STRIDED: Kernel =
    kernel!("conv/forward_strided", ["x", "weight"], ["y"], 32, &[lib::INDEX, lib::FOUR], SHAPE);
/// Winograd's F(2x2,3x3) through workgroup memory; 3x3, stride 1, padding 1.
pub static FORWARD_WINOGRAD2: Kernel = kernel!(
    "conv/forward_winograd2",
    ["x", "weight"],
    ["y"],
    256,
    &[lib::INDEX, lib::FOUR, lib::WINOGRAD2],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4", "BLOCKS"]
);
/// Winograd's F(4x4,3x3) in registers; 3x3, stride 1, padding 1.
pub static FORWARD_WINOGRAD4: Kernel = kernel!(
    "conv/forward_winograd4",
    ["x", "weight"],
    ["y", "partial"],
    128,
    &[lib::INDEX, lib::FOUR, lib::CHUNK_STATISTICS, lib::WINOGRAD4],
    &["H_IN", "W_IN", "C_IN4", "C_OUT4", "STATISTICS"]
);

/// Ways to compute it; the first takes any shape.
pub(super) const CANDIDATES: &[Candidate] = &[
    Candidate {
        name: "naive",
        kernel: &FORWARD_NAIVE,
        constants: &[],
        filters: Filters::Plain,
        fits: |_| true,
        groups: |conv, own| Groups::cover(conv.output_words() as u64 / 4, own.workgroup()),
        parts: Parts::None,
        made_for: MadeFor::Comparison,
    },
    Candidate {
        name: "strided",
        kernel: &FORWARD_STRIDED,
        constants: &[],
        filters: Filters::Plain,
        fits: |_| true,
        groups: |conv, own| {
            let runs = conv.batch * conv.out_height() * conv.out_width().div_ceil(4);
            per_channel_group(runs, conv.out4().div_ceil(2), own)
        },
        parts: Parts::None,
        made_for: MadeFor::Any,
    },
    Candidate {
        name: "direct4",
        kernel: &FORWARD_DIRECT,
        constants: &[("BLOCKS", 1)],
        filters: Filters::Plain,
        fits: |conv| conv.is_3x3(1),
        groups: |conv, own| per_channel_group(tiles_of(conv, 4), conv.out4(), own),
        parts: TILES,
        made_for: MadeFor::Any,
    },
    Candidate {
        name: "winograd4",
        kernel: &FORWARD_WINOGRAD4,
        constants: &[],
        filters: Filters::Winograd4,
        fits: |conv| conv.is_3x3(1) && conv.out4() > 2,
        groups: |conv, own| per_channel_group(tiles_of(conv, 4), conv.out4().div_ceil(4), own),
        parts: TILES,
        made_for: MadeFor::ScalarCpu,
    },
    Candidate {
        name: "direct8",
        kernel: &FORWARD_DIRECT,
        constants: &[("BLOCKS", 2)],
        filters: Filters::Plain,
        fits: |conv| conv.is_3x3(1) && conv.out4() > 1,
        groups: |conv, own| per_channel_group(tiles_of(conv, 4), conv.out4().div_ceil(2), own),
        parts: TILES,
        made_for: MadeFor::Cpu,
    },
    Candidate {
        name: "winograd2x16",
        kernel: &FORWARD_WINOGRAD2,
        constants: &[("BLOCKS", 4), ("WORKGROUP", 128)],
        filters: Filters::Winograd2,
        fits: |conv| conv.is_3x3(1),
        groups: |conv, own| winograd::groups2(conv, conv.out4(), own),
        parts: Parts::None,
        made_for: MadeFor::Gpu,
    },
    Candidate {
        name: "winograd2x32",
        kernel: &FORWARD_WINOGRAD2,
        constants: &[("BLOCKS", 8)],
        filters: Filters::Winograd2,
        fits: |conv| conv.is_3x3(1) && conv.out4() > 4,
        groups: |conv, own| winograd::groups2(conv, conv.out4(), own),
        parts: Parts::None,
        made_for: MadeFor::Gpu,
    },
    // For GPUs the last that fits is the guess: larger tiles where there are channels to fill them.
    tiles::forward_gemm("gemm64x32", &[("TILE_M", 64), ("TILE_N4", 8), ("BLOCKS", 1)], |_| true),
    tiles::forward_gemm(
        "gemm128x64",
        &[("TILE_M", 128), ("TILE_N4", 16), ("BLOCKS", 2), ("WORKGROUP", 128)],
        |conv| conv.out4() > 8,
    ),
    tiles::forward_gemm("gemm128x32", &[("TILE_M", 128), ("TILE_N4", 8), ("BLOCKS", 2)], |_| true),
    tiles::forward_gemm("gemm128x16", &[("TILE_M", 128), ("TILE_N4", 4), ("BLOCKS", 1)], |conv| {
        conv.out4() <= 4
    }),
    tiles::forward_tiled("tiled256x16", &[("REGIONS", 4), ("TILE_N4", 4)], |conv| conv.is_3x3(1)),
    tiles::forward_tiled("tiled128x64", &[("REGIONS", 2), ("TILE_N4", 16), ("WORKGROUP", 128)], |conv| {
        conv.is_3x3(1) && conv.out4() > 8
    }),
    tiles::forward_tiled("tiled128x32", &[("REGIONS", 2), ("TILE_N4", 8)], |conv| {
        conv.is_3x3(1) && conv.out4() > 4
    }),
    // Of mixed precision.
    coop::forward("coop64x16", &[("TILE_N4", 4)], |_| true),
    coop::forward("coop64x32", &[("TILE_N4", 8)], |conv| conv.out4() > 4),
];

/// Statistics of a workgroup's tiles of 4x4 pixels, where every tile is whole.
const TILES: Parts = Parts::Statistics { chunk: whole_tiles, tile: 4 };

fn whole_tiles(conv: &Conv, own: &Candidate) -> Option<usize> {
    let whole = conv.height.is_multiple_of(4) && conv.width.is_multiple_of(4);
    whole.then_some(16 * own.workgroup() as usize)
}

impl Conv {
    /// Rows of y (pixels of all images) in each chunk of the statistics that [`Conv::forward`] can leave; `None` where
    /// batchnorm/statistics has to read y again.
    pub fn statistics_chunk(&self, candidate: &Candidate) -> Option<usize> {
        match candidate.parts {
            Parts::Statistics { chunk, .. } => chunk(self, candidate),
            _ => None,
        }
    }

    /// y = conv(x, weight), with the weights in the form that the candidate reads; with `statistics`, the mean and the sum of squared deviations of each chunk of
    /// [`Conv::statistics_chunk`] rows go to `partial` (chunks,2,channels), which is left alone without.
    ///
    /// # Errors
    /// A view shorter than the shape needs, or a shape with a zero.
    pub fn forward(
        &self,
        candidate: &Candidate,
        [x, weight]: [&View; 2],
        y: &View,
        partial: &View,
        statistics: bool,
    ) -> Result<Dispatch> {
        let kernel = candidate.kernel;
        let lengths = [
            (x, self.input_words(), "x"),
            (weight, self.filter_words(Direction::Forward, candidate.filters), "weight"),
            (y, self.output_words(), "y"),
        ];
        self.check(kernel, lengths)?;
        let mut dispatch = self.dispatch(candidate, &[x, weight, y, partial], [0, 0]);
        dispatch.constants = dispatch.constants.bool("STATISTICS", statistics);
        Ok(dispatch)
    }
}

// Rejected. Lavapipe 26.1, vectors of 512 bits, two Zen 5 cores; 16 channels of 32x32, batch 32; GFLOP/s from process time, so
// that other work on the machine does not count. `direct4` gives 112, `direct8` 132.
// - Two input channels a turn of the loop in the place of four, to keep the code small: tiles of 4x4x4 116, 4x4x8 92, 2x4x4
//   113, 2x4x8 101, 2x8x4 111, 4x4x16 76. More sums than registers: the moves between them and the stack outweigh the reuse.
// - Lanes over output channels, pixels the same for all (no gathers for them): 75 with 16 pixels, 63 with 8. Each pixel
//   becomes a whole vector that is spilled.
// - What bounds 2x4x4: with loads that are the same for all lanes (wrong results) 180, with constant weights too 265. So the
//   per-lane loads, which this driver makes gathers, cost 36 % and the weights 21 %. It also splits fma into multiply and add.
// - Statistics by two sums over the workgroup (four barriers): the kernel took 1.2 times as long; one barrier costs 5 %.
// - Loads without checks of the buffer's length: a device without robustBufferAccess, or OpInBoundsAccessChain in the SPIR-V,
//   changes nothing; the checks stay in lavapipe's machine code (ratio 1.00).
// On two Zen 4 cores, 16, 32 and 64 channels, beside direct8's 95, 92 and 113 (forward) and 86, 95 and 97 (input gradient):
// - One output channel after another, as conv/weight_gradient_bands does it, so that 16 sums stay in registers: forward 97, 96 and
//   101, input gradient 81, 87 and 90; with 16 channels an invocation 61, 62 and 66: a turn has over 100 KB of machine code.
// - Lanes over output channels, all 144 weights of 16 channels kept over an image, pixels the same for all: 90 to 98, without the
//   statistics. Of a load that is the same for all lanes this driver makes two branches and six instructions.
// On two hardware threads of one Sapphire Rapids core (at most 89 with multiply and add), 16, 32 and 64 channels, batch 128, beside
// direct8's 52 to 74, 56 to 74 and 61 to 81 (the machine's speed changed from minute to minute; one run's turns):
// - Weights through workgroup memory, where a load that is the same for all lanes is one broadcast, one output channel after
//   another, two channels summed at a time: without statistics 1.03, 1.07 and 1.3 times direct8, with them 0.85, 1.0 and 1.15;
//   with 22.3's 256 bits 0.27 of it, on SwiftShader 0.35.
// - The same by Winograd's F(4,3) along the rows: no faster than it at 16 and 64 channels, 1.1 to 1.2 times at 32.
