//! What the device does at most (`shaders/ceiling`): no part of training, profiles compare the other kernels with it.

use bytemuck::{Pod, Zeroable};

use super::{lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// Copies.
pub static COPY: Kernel = Kernel {
    name: "ceiling/copy",
    source: shader!("ceiling/copy"),
    libraries: &[lib::INDEX, lib::FOUR],
    bindings: &[("source", Access::Read), ("copy", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &["RUN"],
    activation: false,
};
/// Multiplies and adds.
pub static FMA: Kernel = Kernel {
    name: "ceiling/fma",
    source: shader!("ceiling/fma"),
    libraries: &[lib::INDEX],
    bindings: &[("y", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &[],
    activation: false,
};

/// Groups of four that an invocation copies.
const RUN: u32 = 8;
/// Multiply-adds of an invocation's round: 16 numbers, 8 times.
const MULTIPLY_ADDS: u64 = 128;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct FmaParams {
    count: u32,
    rounds: u32,
    factor: f32,
    term: f32,
}

/// copy = source, all words of the shorter one; in groups of four.
pub fn copy(source: &View, copy: &View) -> Dispatch {
    let count = (source.len_words().min(copy.len_words()) / 4) as u32;
    Dispatch::new(
        &COPY,
        &[source, copy],
        [count, 0, 0, 0],
        Groups::cover(u64::from(count), RUN * COPY.workgroup),
    )
    .constants(Constants::new().u32("RUN", RUN))
}

/// Sixteen numbers for each group of four of y become factor * v + term 8 * `rounds` times; y holds their sums.
pub fn fma(rounds: u32, factor: f32, term: f32, y: &View) -> Dispatch {
    let count = (y.len_words() / 4) as u32;
    Dispatch::new(
        &FMA,
        &[y],
        FmaParams { count, rounds, factor, term },
        Groups::cover(u64::from(count), FMA.workgroup),
    )
    .flops(2 * MULTIPLY_ADDS * u64::from(rounds) * u64::from(count))
}
