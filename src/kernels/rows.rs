use super::groups_of_four;
use crate::gpu::{Constants, Groups};

/// A tensor seen as rows of channels (`shaders/lib/rows.wgsl`); it lies in planes of four channels: N, C/4, H*W, 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Images.
    pub batch: usize,
    /// Height times width.
    pub pixels: usize,
    /// Channels that count, before filling up to a multiple of four.
    pub channels: usize,
}

impl Rows {
    /// Invocations of the kernels that walk over rows.
    pub const WORKGROUP: u32 = 64;
    /// Most chunks of a reduction: what its readers can join quickly.
    const MOST_CHUNKS: usize = 128;
    /// Rows of a chunk: sixteen an invocation.
    const CHUNK: usize = 16 * Self::WORKGROUP as usize;

    /// N*H*W.
    pub fn rows(self) -> usize {
        self.batch * self.pixels
    }

    /// Groups of four channels.
    pub fn c4(self) -> usize {
        groups_of_four(self.channels)
    }

    /// Length in words, with the channels filled up.
    pub fn words(self) -> usize {
        self.rows() * self.c4() * 4
    }

    /// Rows of a chunk where chunks are reduced afterwards. Depends on the shape alone, so that sums have the same order on
    /// every device.
    pub fn reduction_chunk(self) -> usize {
        Self::CHUNK.max(self.rows().div_ceil(Self::MOST_CHUNKS))
    }

    /// Number of chunks of a reduction.
    pub fn reduction_chunks(self) -> usize {
        self.rows().div_ceil(self.reduction_chunk())
    }

    /// Rows of a chunk where each element stands alone.
    pub fn element_chunk(self) -> usize {
        Self::CHUNK
    }

    /// Workgroups of a reduction.
    pub fn reduction_groups(self) -> Groups {
        Groups([self.reduction_chunks() as u32, 1, self.c4() as u32])
    }

    /// Workgroups of an elementwise kernel.
    pub fn element_groups(self) -> Groups {
        Groups::line_by(self.rows().div_ceil(self.element_chunk()) as u64, self.c4() as u32)
    }

    /// The constants of lib/rows.wgsl.
    pub fn constants(self) -> Constants {
        Constants::new()
            .u32("C4", self.c4() as u32)
            .u32("PIXELS", self.pixels as u32)
            .u32("CHANNELS", self.channels as u32)
    }
}
