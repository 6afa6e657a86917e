//! Dropout (`shaders/dropout`): forward and backward are the same kernel.

use super::{Noise, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// x = x / (1 - rate) where kept, else 0.
pub static FORWARD: Kernel = Kernel {
    name: "dropout/forward",
    source: shader!("dropout/forward"),
    libraries: &[lib::INDEX, lib::STATE, lib::PHILOX],
    bindings: &[("state", Access::Read), ("x", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &["RATE"],
    activation: false,
};

/// Drops elements of x (or, with the same noise, of dy) in place: each is 0 with probability `rate`, which must be in
/// [0, 1), and scaled by 1/(1 - rate) otherwise.
pub fn apply(rate: f32, noise: Noise, state: &View, x: &View) -> Dispatch {
    let count = (x.len_words() / 4) as u32;
    Dispatch {
        kernel: &FORWARD,
        constants: Constants::new().f32("RATE", rate),
        activation: None,
        bindings: vec![state.clone(), x.clone()],
        params: bytemuck::cast_slice(&[count, noise.layer, noise.seed, 0]).to_vec(),
        groups: Groups::cover(u64::from(count), FORWARD.workgroup),
        label: String::new(),
        flops: 0,
    }
}
