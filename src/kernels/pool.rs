//! Global average pooling (`shaders/pool`).

use super::{groups_of_four, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// y = mean of x over pixels.
pub static FORWARD: Kernel = Kernel {
    name: "pool/forward",
    source: shader!("pool/forward"),
    libraries: &[],
    bindings: &[("x", Access::Read), ("y", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &[],
    activation: false,
};

/// dx = dy / pixels.
pub static BACKWARD: Kernel = Kernel {
    name: "pool/backward",
    source: shader!("pool/backward"),
    libraries: &[lib::INDEX],
    bindings: &[("dy", Access::Read), ("dx", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &[],
    activation: false,
};

/// A pooling's shape.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Images.
    pub batch: usize,
    /// Height times width.
    pub pixels: usize,
    /// Channels.
    pub channels: usize,
}

impl Pool {
    /// y = mean of x over pixels.
    pub fn forward(&self, x: &View, y: &View) -> Dispatch {
        self.dispatch(&FORWARD, x, y, self.batch * groups_of_four(self.channels))
    }

    /// dx = dy / pixels.
    pub fn backward(&self, dy: &View, dx: &View) -> Dispatch {
        self.dispatch(&BACKWARD, dy, dx, self.batch * self.pixels * groups_of_four(self.channels))
    }

    fn dispatch(&self, kernel: &'static Kernel, from: &View, to: &View, items: usize) -> Dispatch {
        let params = [self.batch as u32, self.pixels as u32, groups_of_four(self.channels) as u32, 0];
        Dispatch {
            kernel,
            constants: Constants::new(),
            activation: None,
            bindings: vec![from.clone(), to.clone()],
            params: bytemuck::cast_slice(&params).to_vec(),
            groups: Groups::cover(items as u64, kernel.workgroup),
            label: String::new(),
            flops: 0,
        }
    }
}
