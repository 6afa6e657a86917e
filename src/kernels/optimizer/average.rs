//! The moving average of the weights, and taking its place; the mask of pruned weights.

use super::{dispatch, fours, kernel};
use crate::gpu::{Access, Dispatch, Groups, Kernel, View};
use crate::kernels::{lib, shader};

/// average += (1 - decay) * (weight - average).
pub static AVERAGE: Kernel = kernel(
    "optimizer/average",
    shader!("optimizer/average"),
    &[lib::INDEX, lib::STATE],
    &[("weight", Access::Read), ("state", Access::Read), ("average", Access::Write)],
    64,
    &[],
);
/// a and b change places.
pub static SWAP: Kernel = kernel(
    "optimizer/swap",
    shader!("optimizer/swap"),
    &[lib::INDEX],
    &[("a", Access::Write), ("b", Access::Write)],
    64,
    &[],
);

/// The moving average takes in the weights after a step: `decay` of it stays, less in the first steps.
pub fn average(decay: f64, weight: &View, state: &View, average: &View) -> Dispatch {
    let count = fours(weight);
    let params = [count, ((1.0 - decay) as f32).to_bits(), 0, 0];
    let groups = Groups::cover(u64::from(count), AVERAGE.workgroup);
    dispatch(&AVERAGE, [weight, state, average], params, groups)
}

/// Two flat buffers of one length change their contents.
pub fn swap(a: &View, b: &View) -> Dispatch {
    let count = fours(a);
    dispatch(&SWAP, [a, b], [count, 0, 0, 0], Groups::cover(u64::from(count), SWAP.workgroup))
}

/// Pruned weights stay 0.
pub static MASK: Kernel = kernel(
    "optimizer/mask",
    shader!("optimizer/mask"),
    &[lib::INDEX],
    &[("mask", Access::Read), ("weight", Access::Write)],
    64,
    &[],
);

/// weight *= mask, over flat buffers of one length.
pub fn mask(mask: &View, weight: &View) -> Dispatch {
    let count = fours(weight);
    dispatch(&MASK, [mask, weight], [count, 0, 0, 0], Groups::cover(u64::from(count), MASK.workgroup))
}
