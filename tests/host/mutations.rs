//! The faults of `examples/mutations` fit the shaders: each is found in a text of its kernel, and leaves one that compiles.

#[path = "../../examples/mutations/faults/mod.rs"]
mod faults;

use faults::Fault;
use wgrad::kernels::KERNELS;

use super::shaders::{cases::cases, parse};

const LEAST: usize = 40;

#[test]
fn every_fault_fits_its_kernel() {
    let all: Vec<Fault> = faults::all().collect();
    let races = all.iter().filter(|fault| fault.race).count();
    assert!(all.len() - races >= LEAST && races > 0, "{} faults, {races} of them races", all.len());
    for fault in &all {
        let Fault { kernel, what, from, to, .. } = *fault;
        assert_ne!(from, to, "{kernel}: {what}");
        // The kernels that store random words as they are belong to the checks alone.
        if kernel.starts_with("philox/") {
            let texts = [
                include_str!("../../shaders/lib/philox.wgsl"),
                include_str!("../../shaders/lib/philox64.wgsl"),
                include_str!("../../shaders/lib/normal.wgsl"),
            ];
            assert!(texts.iter().any(|text| text.contains(from)), "{kernel}: {what}: no text holds {from:?}");
            continue;
        }
        let own =
            KERNELS.iter().find(|row| row.name == kernel).unwrap_or_else(|| panic!("no kernel {kernel}"));
        let found: Vec<_> = cases(own).into_iter().filter(|case| case.text().contains(from)).collect();
        assert!(!found.is_empty(), "{kernel}: {what}: no text holds {from:?}");
        let text = found[0].text().replace(from, to);
        parse(&text).unwrap_or_else(|e| panic!("{kernel}: {what}: {e}"));
    }
}

#[test]
fn every_kernel_has_a_fault() {
    let without: Vec<_> = KERNELS
        .iter()
        .map(|kernel| kernel.name)
        .filter(|name| !faults::all().any(|fault| fault.kernel == *name && !fault.race))
        .collect();
    assert!(without.is_empty(), "no fault in {without:?}");
}

#[test]
fn no_fault_is_there_twice() {
    let mut seen: Vec<_> = faults::all().map(|fault| (fault.kernel, fault.from, fault.to)).collect();
    seen.sort_unstable();
    let before = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), before);
}
