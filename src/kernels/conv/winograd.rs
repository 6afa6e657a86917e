//! Winograd's minimal filtering (Lavin, Gray 2016, Fast Algorithms for Convolutional Neural Networks): the forms of the
//! weights that it reads, and the kernel that makes them once a step for all layers.

use super::weight_gradient::WEIGHT_GRADIENT_WINOGRAD4;
use super::{Candidate, Conv, Direction, MadeFor, Parts, kernel, tiles};
use crate::gpu::{Access, Dispatch, Groups, Kernel, View};
use crate::kernels::{lib, shader};

/// Transforms the weights of all layers.
pub static WINOGRAD_WEIGHTS: Kernel =
    kernel!("conv/winograd_weights", ["weight", "table"], ["u"], 64, &[lib::INDEX, lib::FOUR], &[]);

/// Own channels of a block of transformed weights.
const BLOCK: usize = 16;
/// Tiles of a workgroup of F(2x2,3x3).
const TILES: usize = 32;

/// In which form a candidate reads the weights, or a weight gradient sums them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filters {
    /// As they are trained.
    Plain,
    /// Transformed for F(2x2,3x3): 4x4 points.
    Winograd2,
    /// Transformed for F(4x4,3x3), or summed up by F(3x3,4x4): 6x6 points.
    Winograd4,
}

impl Filters {
    /// Points of a side of the transformed kernel; `None` where nothing is transformed.
    pub fn points(self) -> Option<usize> {
        match self {
            Self::Plain => None,
            Self::Winograd2 => Some(4),
            Self::Winograd4 => Some(6),
        }
    }
}

impl Conv {
    /// Words of the weights in this form, for this direction.
    pub fn filter_words(&self, direction: Direction, filters: Filters) -> usize {
        let (own, sums) = self.own_and_sums(direction);
        match filters.points() {
            None => self.weight_words(),
            Some(points) => own.div_ceil(BLOCK / 4) * BLOCK * sums * 4 * points * points,
        }
    }

    /// Groups of channels that come out of a direction, and that are summed over.
    fn own_and_sums(&self, direction: Direction) -> (usize, usize) {
        match direction {
            Direction::InputGradient => (self.in4(), self.out4()),
            _ => (self.out4(), self.in4()),
        }
    }
}

/// The weights of one layer in the form that one direction reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformedWeights {
    /// The layer, at any batch.
    pub conv: Conv,
    /// Forward or input gradient.
    pub direction: Direction,
    /// The form; not plain.
    pub filters: Filters,
    /// First word of its weights in the flat weights.
    pub weight: usize,
    /// First word of its transformed weights in their flat buffer.
    pub first: usize,
}

impl TransformedWeights {
    /// Rows of the kernel's table: one for each workgroup.
    pub fn table(&self) -> Vec<[[u32; 4]; 2]> {
        let (own, sums) = self.conv.own_and_sums(self.direction);
        let items = own.next_multiple_of(BLOCK / 4) * sums * 4;
        let gradient = self.direction == Direction::InputGradient;
        let points = self.filters.points().unwrap_or(0);
        let shape = [sums as u32 * 4, own as u32, points as u32, u32::from(gradient)];
        let row =
            |item: usize| [[self.weight as u32 / 4, self.first as u32 / 4, item as u32, items as u32], shape];
        (0..items).step_by(WINOGRAD_WEIGHTS.workgroup as usize).map(row).collect()
    }
}

/// u = the transformed weights of the first `rows` rows of the table.
pub fn winograd_weights(weight: &View, table: &View, rows: usize, u: &View) -> Dispatch {
    Dispatch::new(&WINOGRAD_WEIGHTS, &[weight, table, u], [rows as u32, 0, 0, 0], Groups::line(rows as u64))
}

/// Workgroups of F(2x2,3x3): a line over blocks of tiles, times blocks of output groups in z.
pub(super) fn groups2(conv: &Conv, own4: usize, candidate: &Candidate) -> Groups {
    let tiles = super::tiles_of(conv, 2).div_ceil(TILES);
    let blocks = own4.div_ceil(candidate.constant("BLOCKS").unwrap_or(1) as usize);
    Groups::line_by(tiles as u64, blocks as u32)
}

/// F(3x3,4x4): an invocation for each output channel, times blocks of input channels; a split is a run of pairs of tiles.
pub(super) const fn weight_gradient(
    name: &'static str,
    constants: tiles::Constants,
    fits: tiles::Fits,
) -> Candidate {
    let groups = |conv: &Conv, own: &Candidate| {
        let lanes = (conv.out4() * 4).div_ceil(own.workgroup() as usize);
        Groups([lanes as u32, conv.in4().div_ceil(BLOCK / 4) as u32, conv.splits() as u32])
    };
    let pairs = |conv: &Conv| (conv.height.div_ceil(4) * conv.width.div_ceil(4)).div_ceil(2);
    let parts = Parts::Splits { units_per_image: pairs };
    let plain = tiles::candidate(name, &WEIGHT_GRADIENT_WINOGRAD4, constants, fits, groups, parts);
    Candidate { filters: Filters::Winograd4, made_for: MadeFor::ScalarCpu, ..plain }
}

// Rejected. GFLOP/s of the direct convolution's operations, twice those of one core (process CPU time), lavapipe 26.1 with 512
// bits, 32 channels at 16x16, batch 32, on a shared machine: only figures of one line were taken in alternation. direct8 made
// 117-134 beside them.
// - U from the storage buffer, F(4x4), 2 channels a step: as four floats 137 with 8 outputs and 58 with 16 (each weight is
//   used once and costs nine scalar instructions, most for the check of the buffer's length; with 8 outputs the loop already
//   has 60 KB of machine code);
//   as pairs of 64 bits 148 with 8 outputs, 157 with 8 and 4 channels a step, 167 with 16. Through workgroup memory, 16
//   outputs: 100, 129, 160, 178 with 16, 32, 64, 128 invocations, which share the copy; no more with 256.
// - Through workgroup memory with 8 outputs: 130 (64 invocations); 16 outputs and 4 channels a step: 156 to 160; copying after
//   the loads of the pixels: 160 to 180; two buffers and one barrier a step: 163 to 180; copying for 4 channels at once: 156 to
//   180; U kept as words of 64 bits: no difference.
// - F(4,3) along the rows only, direct along the columns (half the multiply-adds, a third of the error): 135 to 163.
// - Statistics through lib/reduce, a group at a time: forward 119 where the input gradient makes 154; by runs of scalars 124;
//   in a loop over the groups 142. Three runs; direct8 made 121, 117 and 121.
//   In turns on Sapphire Rapids with 16, 32 and 64 channels: by runs of scalars, four channels and six barriers at a time, 0.71, 0.77
//   and 0.77 of the speed without statistics; as it is, eight channels and two barriers at a time, 0.82, 0.88 and 0.94.
// - F(2x2) of lib/winograd2, made for GPUs, makes 36-46 there; likely because workgroup memory is read by gathers.
// - F(4x4) on lavapipe 22.3 (16 registers of 256 bits): 15-16 where direct8 makes 31-33, and 9 s to compile. On 26.1 it takes
//   2.3 s, with statistics 5.3 s, direct8 0.9 s.
// - 16 channels at 32x32, not rejected but no gain: forward with statistics 105, where direct8 makes 105 (input gradient 141
//   and 127).
// - V in a buffer of its own and a batched product, not built: by count of instructions and gathers (13 cycles a vector) it
//   gains a third at 64 channels and loses at 16, for two dispatches more and 2.25 times the input's bytes.
// F(3x3,4x4), lavapipe 26.1, vectors of 512 bits, two threads of an Ice Lake server, where a gather of 16 words costs as much as 13
// vectors of multiply and add: all weight gradients of a ResNet-56 step of 32 images take 152 ms where bands and direct8 take 217,
// the step 0.86 of the time; with 256 bits 0.45 to 0.6 of bands' time at 32 and 64 channels. By samples a third is multiply-adds (13
// instructions for two, of which lavapipe's check of workgroup memory's length is six), half the gathers and transform of x at 16
// channels, a seventh dy's.
// - One tile at a time, tiles of a workgroup in a loop: an index that is not constant costs twelve instructions a word; 2.6 ms where
//   two tiles at constant places take 1.5 (64 channels).
// - x and dy of an image touched line by line before they are wanted, for caches: no difference.
// - On lavapipe 22.3 110 ms where bands takes 22, and 20 to 50 s to compile; hence `MadeFor::ScalarCpu`.
// - x by two channels a word of 64 bits, half the gathers' lanes: 1.34 of the time on Zen 4.
// On Zen 4 (512 bits, profiles in turns, ResNet-56, batch 32), where by samples gathers are 30 % of F(4x4) and half of F(3x3,4x4),
// and lavapipe makes of a multiply-add two instructions, of each sum that a loop keeps a third (the loop's mask):
// - F(4x4) by one channel a step, half the code: input gradients 1.15, forward loses to direct8 everywhere.
// - F(4x4) in two passes over three rows of points each (sums of 18 KB in the place of 36, 1.7 times the gathers): both lose to
//   direct8 in most layers, the pass through the step takes 1.1 of the time.
// - By the same samples V in a buffer of its own, whose gathers hit one line each, would take some 13 % off the step for 50 to 70
//   dispatches more; not built.
// local_invocation_index: lavapipe makes it by two divisions a lane by the workgroup's size, which LLVM repeats for each use behind
// a barrier in the place of keeping the result: by samples 15 % of F(4x4)'s time. local_invocation_id.x takes one; kept in a
// loop's variable it takes none, which was no faster.
