//! Whole networks: every gradient by name, and the same bits every time, within WebGPU's default limits.

use std::slice::from_ref;

use wgrad::gpu::Limits;
use wgrad::measure::check::{network_cases, run_networks};

use crate::support::open;

#[test]
fn gradients_agree_with_the_twin_and_come_again_to_the_bit() {
    let cases = network_cases();
    let outcomes = run_networks(from_ref(&open(Limits::WebGpu)), &cases, |_| ())
        .unwrap_or_else(|error| panic!("{error}"));
    // One of each network is of its bits.
    let compared = outcomes.len() - cases.len();
    let wrong: Vec<_> = outcomes.iter().filter(|outcome| !outcome.ok).map(ToString::to_string).collect();
    assert!(compared > 500, "only {compared} tensors were compared");
    assert!(wrong.is_empty(), "{} of {compared} tensors:\n{}", wrong.len(), wrong.join("\n"));
}
