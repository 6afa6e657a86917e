//! Residual connections (`shaders/residual`): what they add, and option A's gradient.

use super::{Rows, groups_of_four, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// x += shortcut.
pub static ADD: Kernel = Kernel {
    name: "residual/add",
    source: shader!("residual/add"),
    libraries: &[lib::INDEX, lib::ROWS, lib::FOUR, lib::SHORTCUT],
    bindings: &[("shortcut", Access::Read), ("x", Access::Write)],
    params_bytes: 32,
    workgroup: Rows::WIDE,
    constants: &["C4", "PIXELS", "CHANNELS", "SHORTCUT", "SHORTCUT_C"],
    activation: false,
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

/// x += shortcut, for x of `rows` with `height` x `width` pixels an image. A shortcut of none is an empty dispatch.
pub fn add(rows: Rows, height: usize, width: usize, shortcut: &Shortcut, x: &View) -> Dispatch {
    let [shortcut_height, shortcut_width] = shortcut.size();
    let params = [
        rows.rows() as u32,
        rows.element_chunk() as u32,
        height as u32,
        width as u32,
        shortcut_height,
        shortcut_width,
        0,
        0,
    ];
    let (view, groups) = match shortcut.view() {
        Some(view) => (view, rows.element_groups()),
        None => (x, Groups([0; 3])),
    };
    Dispatch {
        kernel: &ADD,
        constants: rows.constants().with(&shortcut.constants()),
        activation: None,
        bindings: vec![view.clone(), x.clone()],
        params: bytemuck::cast_slice(&params).to_vec(),
        groups,
        label: String::new(),
        flops: 0,
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
    Dispatch {
        kernel: &BACKWARD,
        constants: Constants::new()
            .u32("C4", groups_of_four(channels) as u32)
            .u32("CHANNELS", channels as u32)
            .u32("SHORTCUT_C", from[2] as u32),
        activation: None,
        bindings: vec![dz.clone(), dx.clone()],
        params: bytemuck::cast_slice(&params).to_vec(),
        groups: Groups::cover(count as u64, BACKWARD.workgroup),
        label: String::new(),
        flops: 0,
    }
}
