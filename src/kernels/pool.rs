//! Global average pooling, and max pooling in windows (`shaders/pool`). Bounds of loops are constants of the text,
//! see [`super::linear`].

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
    constants: &["PIXELS"],
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
    constants: &["PIXELS"],
    activation: false,
};

/// y = max of x over windows.
pub static MAX_FORWARD: Kernel = Kernel {
    name: "pool/max_forward",
    source: shader!("pool/max_forward"),
    libraries: &[lib::INDEX],
    constants: &["WINDOW"],
    ..FORWARD
};

/// dx = dy at each window's greatest pixel.
pub static MAX_BACKWARD: Kernel = Kernel {
    name: "pool/max_backward",
    source: shader!("pool/max_backward"),
    libraries: &[lib::INDEX],
    bindings: &[("x", Access::Read), ("dy", Access::Read), ("dx", Access::Write)],
    constants: &["WINDOW"],
    ..FORWARD
};

/// The shape of a max pooling's input, and its window; windows lie side by side, what does not fill one is left out.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    /// Images.
    pub batch: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Pixels of a window's side, at least 1 and at most height and width.
    pub window: usize,
}

impl MaxPool {
    /// y = max of x over each window.
    pub fn forward(&self, x: &View, y: &View) -> Dispatch {
        let windows = (self.height / self.window) * (self.width / self.window);
        self.dispatch(&MAX_FORWARD, &[x, y], windows)
    }

    /// dx = dy at the greatest pixel of each window, else 0.
    pub fn backward(&self, [x, dy]: [&View; 2], dx: &View) -> Dispatch {
        self.dispatch(&MAX_BACKWARD, &[x, dy, dx], self.height * self.width)
    }

    fn dispatch(&self, kernel: &'static Kernel, bindings: &[&View], pixels: usize) -> Dispatch {
        let planes = self.batch * groups_of_four(self.channels);
        let params = [planes, self.height, self.width, 0].map(|size| size as u32);
        Dispatch::new(kernel, bindings, params, Groups::cover((planes * pixels) as u64, kernel.workgroup))
            .constants(Constants::new().u32("WINDOW", self.window as u32))
    }
}

/// A global pooling's shape.
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
        let params = [self.batch as u32, groups_of_four(self.channels) as u32, 0, 0];
        Dispatch::new(kernel, &[from, to], params, Groups::cover(items as u64, kernel.workgroup))
            .constants(Constants::new().u32("PIXELS", self.pixels as u32))
    }
}
