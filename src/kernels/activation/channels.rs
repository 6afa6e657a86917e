//! Activations that change the number of channels (`shaders/activation/doubled_*`, `maxout_*`).

use super::{Activation, Form};
use crate::gpu::{Access, Dispatch, Kernel, View};
use crate::kernels::{Rows, lib, shader};

const LIBRARIES: &[&str] = &[lib::INDEX, lib::ROWS, lib::FOUR, lib::CHANNEL, lib::PHILOX, lib::ACTIVATION];
const WITH_PIECES: &[&str] =
    &[lib::INDEX, lib::ROWS, lib::FOUR, lib::CHANNEL, lib::PIECES, lib::PHILOX, lib::ACTIVATION];

/// y = (activation(x), activation(-x)).
pub static DOUBLED_FORWARD: Kernel = Kernel {
    name: "activation/doubled_forward",
    source: shader!("activation/doubled_forward"),
    libraries: LIBRARIES,
    bindings: &[("x", Access::Read), ("y", Access::Write)],
    params_bytes: 16,
    workgroup: Rows::WIDE,
    constants: &["C4", "PIXELS", "CHANNELS", "TRAIN", "STOCHASTIC"],
    activation: true,
};

/// Its gradient.
pub static DOUBLED_BACKWARD: Kernel = Kernel {
    name: "activation/doubled_backward",
    source: shader!("activation/doubled_backward"),
    bindings: &[("x", Access::Read), ("dy", Access::Read), ("dx", Access::Write)],
    ..DOUBLED_FORWARD
};

/// y = activation(max of PIECES channels).
pub static MAXOUT_FORWARD: Kernel = Kernel {
    name: "activation/maxout_forward",
    source: shader!("activation/maxout_forward"),
    libraries: WITH_PIECES,
    constants: &["C4", "PIXELS", "CHANNELS", "TRAIN", "STOCHASTIC", "PIECES"],
    ..DOUBLED_FORWARD
};

/// Its gradient.
pub static MAXOUT_BACKWARD: Kernel = Kernel {
    name: "activation/maxout_backward",
    source: shader!("activation/maxout_backward"),
    bindings: &[("x", Access::Read), ("dy", Access::Read), ("dx", Access::Write)],
    ..MAXOUT_FORWARD
};

/// y of the shape `rows` = activation over x's channels. The activation must be one that changes their number.
pub fn channels_forward(act: &Activation, train: bool, rows: Rows, x: &View, y: &View) -> Dispatch {
    let kernel = if act.row.form == Form::Doubled { &DOUBLED_FORWARD } else { &MAXOUT_FORWARD };
    dispatch(kernel, act, train, rows, &[x, y])
}

/// dx of the shape `rows`, which is x's, from dy.
pub fn channels_backward(
    act: &Activation,
    train: bool,
    rows: Rows,
    [x, dy]: [&View; 2],
    dx: &View,
) -> Dispatch {
    let kernel = if act.row.form == Form::Doubled { &DOUBLED_BACKWARD } else { &MAXOUT_BACKWARD };
    dispatch(kernel, act, train, rows, &[x, dy, dx])
}

fn dispatch(
    kernel: &'static Kernel,
    act: &Activation,
    train: bool,
    rows: Rows,
    bindings: &[&View],
) -> Dispatch {
    let params = [rows.rows() as u32, rows.element_chunk() as u32, 0, 0];
    Dispatch::new(kernel, bindings, params, rows.element_groups())
        .constants(rows.constants().with(&act.constants(train)))
        .activation(act.source())
}
