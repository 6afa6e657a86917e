//! Residual connections (`shaders/residual`): what they add, the scale of their branch, and option A's gradient.

use super::{Noise, Rows, groups_of_four, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// x = scale x + shortcut.
pub static ADD: Kernel = Kernel {
    name: "residual/add",
    source: shader!("residual/add"),
    libraries: &[lib::INDEX, lib::ROWS, lib::FOUR, lib::SHORTCUT, lib::STATE, lib::PHILOX, lib::BRANCH],
    bindings: &[("shortcut", Access::Read), ("state", Access::Read), ("x", Access::Write)],
    params_bytes: 32,
    workgroup: Rows::WIDE,
    constants: &["C4", "PIXELS", "CHANNELS", "SHORTCUT", "SHORTCUT_C", "TRAIN", "BRANCH", "SURVIVAL"],
    activation: false,
};

/// The branch's gradient: dx = scale dy.
pub static BRANCH: Kernel = Kernel {
    name: "residual/branch",
    source: shader!("residual/branch"),
    libraries: &[lib::INDEX, lib::ROWS, lib::FOUR, lib::STATE, lib::PHILOX, lib::BRANCH],
    bindings: &[("dy", Access::Read), ("state", Access::Read), ("dx", Access::Write)],
    params_bytes: 16,
    constants: &["C4", "PIXELS", "CHANNELS", "TRAIN", "BRANCH", "SURVIVAL"],
    ..ADD
};

/// Option A's gradient.
pub static BACKWARD: Kernel = Kernel {
    name: "residual/backward",
    source: shader!("residual/backward"),
    libraries: &[lib::INDEX],
    bindings: &[("dz", Access::Read), ("dx", Access::Write)],
    params_bytes: 32,
    workgroup: 64,
    constants: &["C4", "CHANNELS", "SHORTCUT_C"],
    activation: false,
};

/// What a residual connection adds.
#[derive(Clone, Debug)]
pub enum Shortcut {
    /// Nothing.
    None,
    /// A tensor of the same shape.
    Same(View),
    /// Option A (He et al. 2015): every second pixel, channels in the middle, zeros around.
    Padded {
        /// The tensor of twice the height and width.
        view: View,
        /// Its height.
        height: usize,
        /// Its width.
        width: usize,
        /// Its channels, at most those of the sum.
        channels: usize,
    },
}

impl Shortcut {
    pub(super) fn view(&self) -> Option<&View> {
        match self {
            Self::None => None,
            Self::Same(view) | Self::Padded { view, .. } => Some(view),
        }
    }

    pub(super) fn size(&self) -> [u32; 2] {
        match self {
            Self::Padded { height, width, .. } => [*height as u32, *width as u32],
            _ => [0; 2],
        }
    }

    pub(super) fn constants(&self) -> Constants {
        let (kind, channels) = match self {
            Self::None => (0, 0),
            Self::Same(_) => (1, 0),
            Self::Padded { channels, .. } => (2, *channels as u32),
        };
        Constants::new().u32("SHORTCUT", kind).u32("SHORTCUT_C", channels)
    }
}

/// What a residual block's branch is multiplied by, for each image (`shaders/lib/branch.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// 1.
    One,
    /// Stochastic depth (Huang et al., arXiv 1603.09382): 1 with probability `survival`, else 0; in evaluation `survival`.
    StochasticDepth {
        /// Probability in (0, 1].
        survival: f32,
    },
    /// ShakeDrop (Yamada et al., arXiv 1802.02375): 1 with probability `survival`, else a ~ U(-1, 1) forward and b ~ U(0, 1)
    /// backward; in evaluation the forward's mean, `survival`.
    ShakeDrop {
        /// Probability in (0, 1].
        survival: f32,
    },
}

impl Scale {
    fn constants(self, train: bool) -> Constants {
        let (kind, survival) = match self {
            Self::One => (0, 1.0),
            Self::StochasticDepth { survival } => (1, survival),
            Self::ShakeDrop { survival } => (2, survival),
        };
        Constants::new().bool("TRAIN", train).u32("BRANCH", kind).f32("SURVIVAL", survival)
    }
}

/// The scale of a branch at one place.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// What it is drawn from.
    pub scale: Scale,
    /// Whether it is drawn.
    pub train: bool,
    /// Where its random numbers come from.
    pub noise: Noise,
}

impl Branch {
    /// A branch that is only added.
    pub const PLAIN: Self = Self { scale: Scale::One, train: false, noise: Noise { seed: 0, layer: 0 } };

    /// x = scale x + shortcut, for x of `rows` with `height` x `width` pixels an image.
    pub fn add(
        &self,
        rows: Rows,
        [height, width]: [usize; 2],
        shortcut: &Shortcut,
        state: &View,
        x: &View,
    ) -> Dispatch {
        let [shortcut_height, shortcut_width] = shortcut.size();
        let (rows_all, chunk) = (rows.rows() as u32, rows.element_chunk() as u32);
        let Noise { layer, seed } = self.noise;
        let sizes = [height as u32, width as u32, shortcut_height, shortcut_width];
        let params = [rows_all, chunk, sizes[0], sizes[1], sizes[2], sizes[3], layer, seed];
        Dispatch::new(&ADD, &[shortcut.view().unwrap_or(state), state, x], params, rows.element_groups())
            .constants(rows.constants().with(&shortcut.constants()).with(&self.scale.constants(self.train)))
    }

    /// dx = scale dy, with the forward's draws.
    pub fn backward(&self, rows: Rows, dy: &View, state: &View, dx: &View) -> Dispatch {
        let Noise { layer, seed } = self.noise;
        let params = [rows.rows() as u32, rows.element_chunk() as u32, layer, seed];
        Dispatch::new(&BRANCH, &[dy, state, dx], params, rows.element_groups())
            .constants(rows.constants().with(&self.scale.constants(self.train)))
    }
}

/// dx = gradient of option A's shortcut: from dz of N,`height`,`width`,`channels` to N,`from[0]`,`from[1]`,`from[2]`.
pub fn backward(
    batch: usize,
    [height, width, channels]: [usize; 3],
    from: [usize; 3],
    dz: &View,
    dx: &View,
) -> Dispatch {
    let count = batch * from[0] * from[1] * groups_of_four(from[2]);
    let params = [count as u32, height as u32, width as u32, from[0] as u32, from[1] as u32, 0, 0, 0];
    Dispatch::new(&BACKWARD, &[dz, dx], params, Groups::cover(count as u64, BACKWARD.workgroup)).constants(
        Constants::new()
            .u32("C4", groups_of_four(channels) as u32)
            .u32("CHANNELS", channels as u32)
            .u32("SHORTCUT_C", from[2] as u32),
    )
}
