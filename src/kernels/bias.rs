//! Biases of convolutions (`shaders/bias`).

use super::{Rows, lib, shader};
use crate::gpu::{Access, Dispatch, Groups, Kernel, View};

/// x += bias.
pub static FORWARD: Kernel = Kernel {
    name: "bias/forward",
    source: shader!("bias/forward"),
    libraries: &[lib::INDEX, lib::ROWS, lib::FOUR],
    bindings: &[("bias", Access::Read), ("x", Access::Write)],
    params_bytes: 16,
    workgroup: Rows::WIDE,
    constants: &["C4", "PIXELS", "CHANNELS"],
    activation: false,
};

/// Partial sums of the bias' gradient.
pub static GRADIENT: Kernel = Kernel {
    name: "bias/gradient",
    source: shader!("bias/gradient"),
    libraries: &[lib::ROWS, lib::FOUR, lib::REDUCE],
    bindings: &[("dy", Access::Read), ("partial", Access::Write)],
    ..FORWARD
};

/// x += bias, in place; bias has a number a channel, filled up to four.
pub fn forward(rows: Rows, bias: &View, x: &View) -> Dispatch {
    let params = [rows.rows() as u32, rows.element_chunk() as u32, 0, 0];
    dispatch(&FORWARD, rows, [bias, x], params, rows.element_groups())
}

/// [`Rows::reduction_chunks`] parts of the bias' gradient, `stride` words apart.
pub fn gradient(rows: Rows, dy: &View, partial: &View, stride: usize) -> Dispatch {
    let params = [rows.rows() as u32, rows.reduction_chunk() as u32, (stride / 4) as u32, 0];
    dispatch(&GRADIENT, rows, [dy, partial], params, rows.reduction_groups())
}

fn dispatch(
    kernel: &'static Kernel,
    rows: Rows,
    bindings: [&View; 2],
    params: [u32; 4],
    groups: Groups,
) -> Dispatch {
    Dispatch::new(kernel, &bindings, params, groups).constants(rows.constants())
}
