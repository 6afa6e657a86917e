//! Activations: their table, their SPEC strings, and the kernels that apply one by itself (`shaders/activation`).

mod channels;
mod compose;
mod custom;
mod learned;
mod listing;
mod names;
mod row;
mod spec;
mod table;

pub use channels::{
    DOUBLED_BACKWARD, DOUBLED_FORWARD, MAXOUT_BACKWARD, MAXOUT_FORWARD, channels_backward, channels_forward,
};
pub use learned::{LEARNED_BACKWARD, LEARNED_FORWARD, Learned};
pub use listing::{help, listing, markdown};
pub use row::{Draws, Form, Kind, Parameter, Row};
pub use spec::Activation;
pub use table::ACTIVATIONS;

use super::{Rows, lib, shader};
use crate::gpu::{Access, Dispatch, Kernel, View};

/// y = activation(x).
pub static FORWARD: Kernel = Kernel {
    name: "activation/forward",
    source: shader!("activation/forward"),
    libraries: &[lib::INDEX, lib::ROWS, lib::FOUR, lib::STATE, lib::PHILOX, lib::ACTIVATION],
    bindings: &[("x", Access::Read), ("state", Access::Read), ("y", Access::Write)],
    params_bytes: 16,
    workgroup: Rows::WIDE,
    constants: &["C4", "PIXELS", "CHANNELS", "TRAIN", "STOCHASTIC"],
    activation: true,
};

/// dy *= activation'(x).
pub static BACKWARD: Kernel = Kernel {
    name: "activation/backward",
    source: shader!("activation/backward"),
    bindings: &[("x", Access::Read), ("state", Access::Read), ("dy", Access::Write)],
    ..FORWARD
};

/// Where a stochastic kernel's random numbers come from.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// The run's seed.
    pub seed: u32,
    /// Number of the layer, different for each place that draws.
    pub layer: u32,
}

/// y = activation(x).
pub fn forward(
    act: &Activation,
    train: bool,
    noise: Noise,
    rows: Rows,
    x: &View,
    state: &View,
    y: &View,
) -> Dispatch {
    apply(&FORWARD, act, train, noise, rows, [x, state, y])
}

/// dy *= activation'(x).
pub fn backward(
    act: &Activation,
    train: bool,
    noise: Noise,
    rows: Rows,
    x: &View,
    state: &View,
    dy: &View,
) -> Dispatch {
    apply(&BACKWARD, act, train, noise, rows, [x, state, dy])
}

fn apply(
    kernel: &'static Kernel,
    act: &Activation,
    train: bool,
    noise: Noise,
    rows: Rows,
    bindings: [&View; 3],
) -> Dispatch {
    let params = [rows.rows() as u32, rows.element_chunk() as u32, noise.layer, noise.seed];
    Dispatch::new(kernel, &bindings, params, rows.element_groups())
        .constants(rows.constants().with(&act.constants(train)))
        .activation(act.source())
}
