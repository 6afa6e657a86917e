//! Dropout and DropBlock (`shaders/dropout`): forward and backward are the same kernels.

use super::{Noise, Rows, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// x = x / (1 - rate) where kept, else 0.
pub static FORWARD: Kernel = Kernel {
    name: "dropout/forward",
    source: shader!("dropout/forward"),
    libraries: &[lib::INDEX, lib::ROWS, lib::FOUR, lib::STATE, lib::PHILOX],
    bindings: &[("state", Access::Read), ("x", Access::Write)],
    params_bytes: 16,
    workgroup: Rows::WIDE,
    constants: &["C4", "PIXELS", "CHANNELS", "RATE"],
    activation: false,
};

/// How many elements DropBlock keeps.
pub static BLOCK_COUNT: Kernel = Kernel {
    name: "dropout/block_count",
    source: shader!("dropout/block_count"),
    libraries: &[lib::ROWS, lib::STATE, lib::PHILOX, lib::DROPBLOCK, lib::COUNT],
    bindings: &[("state", Access::Read), ("kept_counts", Access::Write)],
    constants: &["C4", "PIXELS", "CHANNELS", "W_IN", "BLOCK", "GAMMA"],
    ..FORWARD
};

/// x = x all / kept where DropBlock keeps it, else 0.
pub static BLOCK: Kernel = Kernel {
    name: "dropout/block",
    source: shader!("dropout/block"),
    libraries: &[lib::INDEX, lib::ROWS, lib::FOUR, lib::STATE, lib::PHILOX, lib::DROPBLOCK, lib::COUNT],
    bindings: &[("kept_counts", Access::Read), ("state", Access::Read), ("x", Access::Write)],
    params_bytes: 32,
    ..BLOCK_COUNT
};

/// Drops elements of x (or, with the same noise, of dy) in place: each is 0 with probability `rate`, which must be in
/// [0, 1), and scaled by 1/(1 - rate) otherwise.
pub fn apply(rate: f32, noise: Noise, rows: Rows, state: &View, x: &View) -> Dispatch {
    let params = [rows.rows() as u32, rows.element_chunk() as u32, noise.layer, noise.seed];
    Dispatch::new(&FORWARD, &[state, x], params, rows.element_groups())
        .constants(rows.constants().f32("RATE", rate))
}

/// DropBlock (Ghiasi, Lin, Le, arXiv 1810.12890) at one place: square blocks of pixels of single channels are dropped, the
/// others scaled so that the tensor's sum keeps its mean.
#[derive(Clone, Copy, Debug)]
pub struct DropBlock {
    /// Share of elements to drop, about, in [0, 1).
    pub rate: f32,
    /// Pixels of a block's side; images that are smaller take theirs.
    pub block: usize,
    /// The tensor's shape.
    pub rows: Rows,
    /// Pixels across.
    pub width: usize,
    /// Where its random numbers come from.
    pub noise: Noise,
}

impl DropBlock {
    /// Rows of a chunk: a pixel looks at as many corners as a block has, and drivers count loops.
    const CHUNK: usize = 256;

    fn chunks(&self) -> usize {
        self.rows.rows().div_ceil(Self::CHUNK)
    }

    /// Words of the counts.
    pub fn counts(&self) -> usize {
        self.chunks() * self.rows.c4()
    }

    /// The block's side in this image.
    pub fn side(&self) -> usize {
        self.block.min(self.width).min(self.rows.pixels / self.width)
    }

    /// Probability of a block at a place where one fits: rate / side^2 * H W / ((H - side + 1) (W - side + 1)).
    pub fn gamma(&self) -> f32 {
        let (side, width) = (self.side(), self.width);
        let places = (self.rows.pixels / width - side + 1) * (width - side + 1);
        (f64::from(self.rate) / (side * side) as f64 * self.rows.pixels as f64 / places as f64) as f32
    }

    fn dispatch(
        &self,
        kernel: &'static Kernel,
        bindings: &[&View],
        params: impl bytemuck::NoUninit,
        groups: Groups,
    ) -> Dispatch {
        let constants: Constants = self.rows.constants();
        Dispatch::new(kernel, bindings, params, groups).constants(
            constants
                .u32("W_IN", self.width as u32)
                .u32("BLOCK", self.side() as u32)
                .f32("GAMMA", self.gamma()),
        )
    }

    /// Counts what is kept, in [`DropBlock::counts`] words.
    pub fn count(&self, state: &View, counts: &View) -> Dispatch {
        let Noise { layer, seed } = self.noise;
        let params = [self.rows.rows() as u32, Self::CHUNK as u32, layer, seed];
        let groups = Groups([self.chunks() as u32, 1, self.rows.c4() as u32]);
        self.dispatch(&BLOCK_COUNT, &[state, counts], params, groups)
    }

    /// Drops elements of x (or, with the same noise and counts, of dy) in place.
    pub fn apply(&self, counts: &View, state: &View, x: &View) -> Dispatch {
        let Noise { layer, seed } = self.noise;
        let rows = self.rows.rows() as u32;
        let params = [rows, Self::CHUNK as u32, layer, seed, self.counts() as u32, 0, 0, 0];
        let groups = Groups::line_by(self.chunks() as u64, self.rows.c4() as u32);
        self.dispatch(&BLOCK, &[counts, state, x], params, groups)
    }
}
