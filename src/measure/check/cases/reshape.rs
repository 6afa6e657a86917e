//! Flattening: a copy, exact.

use crate::Result;
use crate::kernels::{groups_of_four, reshape};
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, normals, pack, pack_vectors};
use crate::reference::{self, Shape};

fn run(lab: &Lab, shape: Shape, backward: bool) -> Result<Vec<Comparison>> {
    let values = normals(80, shape.len());
    let (pixels, numbers) = (shape.h * shape.w, shape.h * shape.w * shape.c);
    let image = |values: &[f64]| pack(values, shape);
    let row = |values: &[f64]| pack_vectors(values, numbers);
    let (source, expected) = if backward {
        (row(&values), image(&reference::reshape::flatten_backward(&values, shape)))
    } else {
        (image(&values), row(&reference::reshape::flatten(&values, shape)))
    };
    let words =
        shape.n * if backward { pixels * groups_of_four(shape.c) } else { groups_of_four(numbers) } * 4;
    let (source, result) = (lab.values("source", &source)?, lab.poisoned("result", words)?);
    lab.run([reshape::flatten(shape.n, pixels, shape.c, backward, &source.view, &result.view)])?;
    lab.check(&result, &expected, &vec![0.0; expected.len()])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in
        [Shape::new(3, 7, 5, 3), Shape::new(2, 3, 1, 18), Shape::new(33, 32, 32, 3), Shape::new(5, 1, 1, 6)]
    {
        for backward in [false, true] {
            let Shape { n, h, w, c } = shape;
            let direction = if backward { "backward" } else { "forward" };
            let name = format!("{direction}, {n}x{h}x{w}x{c}");
            cases.push(Case::new(&reshape::FLATTEN, name, move |lab| run(lab, shape, backward)));
        }
    }
    cases
}
