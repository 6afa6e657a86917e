//! Whole networks: every gradient by name, and the same bits every time.

use wgrad::measure::check::network_cases;

use crate::support::gpu;

#[test]
fn gradients_agree_with_the_twin() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for case in network_cases() {
        let outcomes = case.run(gpu()).unwrap_or_else(|error| panic!("{}: {error}", case.name()));
        compared += outcomes.len();
        wrong.extend(outcomes.iter().filter(|outcome| !outcome.ok).map(ToString::to_string));
    }
    assert!(compared > 500, "only {compared} tensors were compared");
    assert!(wrong.is_empty(), "{} of {compared} tensors:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_same_plan_gives_the_same_bits() {
    for case in network_cases() {
        let same = case.deterministic(gpu()).unwrap_or_else(|error| panic!("{}: {error}", case.name()));
        assert!(same.ok, "{same}");
    }
}
