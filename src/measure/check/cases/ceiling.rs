//! The kernels that profiles compare the others with.

use crate::Result;
use crate::kernels::ceiling;
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, errors, normals};
use crate::measure::check::tolerance::Approx;
use crate::reference;

fn copy(lab: &Lab, groups: usize) -> Result<Vec<Comparison>> {
    let given = normals(150, 4 * groups);
    let (source, copy) = (lab.values("source", &given)?, lab.poisoned("copy", 4 * groups)?);
    lab.run([ceiling::copy(&source.view, &copy.view)])?;
    lab.check(&copy, &given, &vec![0.0; given.len()])
}

/// A factor small enough for every round to show, and one near 1, as it is measured with.
fn fma(lab: &Lab, groups: usize, rounds: u32, factor: f32, term: f32) -> Result<Vec<Comparison>> {
    let y = lab.poisoned("y", 4 * groups)?;
    lab.run([ceiling::fma(rounds, factor, term, &y.view)])?;
    let [wide, added] = [factor, term].map(f64::from);
    let expected = reference::ceiling::fma::<f64>(groups, rounds as usize, wide, added);
    let bounds = reference::ceiling::fma::<Approx>(groups, rounds as usize, wide, added);
    lab.check(&y, &expected, &errors(&bounds))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for groups in [1, 511, 513, 70_000] {
        let name = format!("{groups} groups of four");
        cases.push(Case::new(&ceiling::COPY, name, move |lab| copy(lab, groups)));
    }
    for (groups, rounds, factor, term) in [(1, 1, 0.75, 0.5), (67, 2, 0.75, -0.5), (1000, 40, 0.999, 0.001)] {
        let name = format!("{groups} groups of four, {rounds} rounds, factor {factor}");
        cases.push(Case::new(&ceiling::FMA, name, move |lab| fma(lab, groups, rounds, factor, term)));
    }
    cases
}
