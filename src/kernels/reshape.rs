//! Changes of shape (`shaders/reshape`).

use super::{groups_of_four, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// From pixels to one row of numbers, or back.
pub static FLATTEN: Kernel = Kernel {
    name: "reshape/flatten",
    source: shader!("reshape/flatten"),
    libraries: &[lib::INDEX],
    bindings: &[("source", Access::Read), ("result", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &["C4", "PIXELS", "CHANNELS", "BACKWARD"],
    activation: false,
};

/// result = source as one row of channels * pixels numbers an image, in PyTorch's order (channel by channel); with `backward`
/// from the row's gradient to the pixels'.
pub fn flatten(
    batch: usize,
    pixels: usize,
    channels: usize,
    backward: bool,
    source: &View,
    result: &View,
) -> Dispatch {
    let c4 = groups_of_four(channels);
    let count = batch * if backward { c4 * pixels } else { groups_of_four(channels * pixels) };
    Dispatch::new(
        &FLATTEN,
        &[source, result],
        [count as u32, 0, 0, 0],
        Groups::cover(count as u64, FLATTEN.workgroup),
    )
    .constants(
        Constants::new()
            .u32("C4", c4 as u32)
            .u32("PIXELS", pixels as u32)
            .u32("CHANNELS", channels as u32)
            .bool("BACKWARD", backward),
    )
}
