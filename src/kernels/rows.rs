use super::groups_of_four;
use crate::gpu::{Constants, Groups};

/// A tensor seen as rows of channels (`shaders/lib/rows.wgsl`): rows = N*H*W, four channels a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// N*H*W.
    pub rows: usize,
    /// Channels that count, before filling up to a multiple of four.
    pub channels: usize,
}

impl Rows {
    /// Invocations of the kernels that walk over rows.
    pub const WORKGROUP: u32 = 64;
    /// Most chunks of a reduction: what its finalize kernel can join quickly.
    const MOST_CHUNKS: usize = 128;
    /// Rows that an invocation takes where nothing is reduced.
    const ROWS_EACH: usize = 16;

    /// Groups of four channels.
    pub fn c4(self) -> usize {
        groups_of_four(self.channels)
    }

    /// Length in words, with the channels filled up.
    pub fn words(self) -> usize {
        self.rows * self.c4() * 4
    }

    fn lanes(self) -> usize {
        self.c4().min(Self::WORKGROUP as usize)
    }

    fn rows_at_once(self) -> usize {
        Self::WORKGROUP as usize / self.lanes()
    }

    /// Blocks of channel groups: workgroups in z.
    pub fn blocks(self) -> u32 {
        self.c4().div_ceil(self.lanes()) as u32
    }

    /// Rows of a chunk where chunks are reduced afterwards. Depends on the shape alone, so that sums have the same order on
    /// every device.
    pub fn reduction_chunk(self) -> usize {
        let least = self.rows_at_once() * Self::ROWS_EACH;
        least.max(self.rows.div_ceil(Self::MOST_CHUNKS))
    }

    /// Number of chunks of a reduction.
    pub fn reduction_chunks(self) -> usize {
        self.rows.div_ceil(self.reduction_chunk())
    }

    /// Rows of a chunk where each element stands alone.
    pub fn element_chunk(self) -> usize {
        self.rows_at_once() * Self::ROWS_EACH
    }

    /// Workgroups of a reduction.
    pub fn reduction_groups(self) -> Groups {
        Groups([self.reduction_chunks() as u32, 1, self.blocks()])
    }

    /// Workgroups of an elementwise kernel.
    pub fn element_groups(self) -> Groups {
        Groups::line_by(self.rows.div_ceil(self.element_chunk()) as u64, self.blocks())
    }

    /// The constants of lib/rows.wgsl.
    pub fn constants(self) -> Constants {
        Constants::new()
            .u32("C4", self.c4() as u32)
            .u32("LANES", self.lanes() as u32)
            .u32("CHANNELS", self.channels as u32)
    }
}
