//! Whole networks: every gradient by name, and the same bits every time.

use rayon::prelude::*;
use wgrad::measure::check::{NetworkCase, network_cases};

use crate::support::gpu;

/// Both of a network in turn, so that the driver compiles its kernels once.
#[test]
fn gradients_agree_with_the_twin_and_come_again_to_the_bit() {
    let each = |case: NetworkCase| {
        let outcomes = case.run(gpu()).unwrap_or_else(|error| panic!("{}: {error}", case.name()));
        let same = case.deterministic(gpu()).unwrap_or_else(|error| panic!("{}: {error}", case.name()));
        (outcomes.len(), [outcomes, vec![same]].concat())
    };
    let all: Vec<_> = network_cases().into_par_iter().map(each).collect();
    let compared: usize = all.iter().map(|(count, _)| count).sum();
    let wrong: Vec<_> = all.iter().flat_map(|(_, outcomes)| outcomes).filter(|outcome| !outcome.ok).collect();
    assert!(compared > 500, "only {compared} tensors were compared");
    let lines: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{} of {compared} tensors:\n{}", wrong.len(), lines.join("\n"));
}
