//! Dropout (`shaders/dropout`): forward and backward are the same kernel.

use super::{Noise, Rows, lib, shader};
use crate::gpu::{Access, Dispatch, Kernel, View};

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

/// Drops elements of x (or, with the same noise, of dy) in place: each is 0 with probability `rate`, which must be in
/// [0, 1), and scaled by 1/(1 - rate) otherwise.
pub fn apply(rate: f32, noise: Noise, rows: Rows, state: &View, x: &View) -> Dispatch {
    let params = [rows.rows() as u32, rows.element_chunk() as u32, noise.layer, noise.seed];
    Dispatch {
        kernel: &FORWARD,
        constants: rows.constants().f32("RATE", rate),
        activation: None,
        bindings: vec![state.clone(), x.clone()],
        params: bytemuck::cast_slice(&params).to_vec(),
        groups: rows.element_groups(),
        label: String::new(),
        flops: 0,
    }
}
