//! Tensors as rows of channels: how elementwise kernels and reductions share them out.

use super::groups_of_four;
use crate::gpu::{Constants, Gpu, Groups};

/// A tensor seen as rows of channels (`shaders/lib/rows.wgsl`); it lies in planes of four channels: N, C/4, H*W, 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Images.
    pub batch: usize,
    /// Height times width.
    pub pixels: usize,
    /// Channels that count, before filling up to a multiple of four.
    pub channels: usize,
    /// Invocations of a workgroup: [`Rows::WIDE`] or [`Rows::NARROW`].
    pub workgroup: u32,
}

impl Rows {
    /// Invocations of a workgroup on GPUs.
    pub const WIDE: u32 = 64;
    /// On drivers that run on the CPU: one vector, so that a barrier costs nothing (with 64, batch norm's kernels take 1.9
    /// times as long there).
    pub const NARROW: u32 = 16;
    /// Most chunks of a reduction: what its readers can join quickly.
    const MOST_CHUNKS: usize = 128;
    /// Least rows of a chunk.
    const CHUNK: usize = 1024;
    /// Chunks of an elementwise kernel on drivers that run on the CPU.
    const CPU_CHUNKS: usize = 16;
    /// Workgroups of an elementwise kernel that keep a large GPU busy, where there is work for so many.
    const GPU_GROUPS: usize = 512;

    /// The workgroups for a device.
    pub fn workgroup_of(gpu: &Gpu) -> u32 {
        if gpu.is_software() { Self::NARROW } else { Self::WIDE }
    }

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
        match self.workgroup {
            Self::NARROW => Self::CHUNK.max(self.rows().div_ceil(Self::CPU_CHUNKS)),
            _ => {
                let chunks = (Self::GPU_GROUPS / self.c4()).max(1);
                self.rows().div_ceil(chunks).next_multiple_of(self.workgroup as usize).min(Self::CHUNK)
            }
        }
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
            .u32("WORKGROUP", self.workgroup)
    }
}
