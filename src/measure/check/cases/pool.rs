//! Global average pooling.

use crate::Result;
use crate::kernels::groups_of_four;
use crate::kernels::pool::{self, Pool};
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, errors, normals, pack, pack_vectors};
use crate::measure::check::tolerance::Approx;
use crate::reference::{self, Shape};

fn forward(lab: &Lab, shape: Shape) -> Result<Vec<Comparison>> {
    let input = normals(50, shape.len());
    let pixels = shape.h * shape.w;
    let x = lab.values("x", &pack(&input, shape))?;
    let y = lab.poisoned("y", shape.n * groups_of_four(shape.c) * 4)?;
    lab.run([Pool { batch: shape.n, pixels, channels: shape.c }.forward(&x.view, &y.view)])?;
    let mean = |i: usize| {
        let (n, c) = (i / shape.c, i % shape.c);
        let terms = (0..pixels).map(|p| Approx::exact(input[(n * pixels + p) * shape.c + c]));
        Approx::sum(terms) / Approx::exact(pixels as f64)
    };
    let bounds: Vec<Approx> = (0..shape.n * shape.c).map(mean).collect();
    let expected = reference::pool::forward(&input, shape);
    lab.check(&y, &pack_vectors(&expected, shape.c), &pack_vectors(&errors(&bounds), shape.c))
}

fn backward(lab: &Lab, shape: Shape) -> Result<Vec<Comparison>> {
    let gradient = normals(51, shape.n * shape.c);
    let pixels = shape.h * shape.w;
    let dy = lab.values("dy", &pack_vectors(&gradient, shape.c))?;
    let dx = lab.poisoned("dx", shape.rows() * groups_of_four(shape.c) * 4)?;
    lab.run([Pool { batch: shape.n, pixels, channels: shape.c }.backward(&dy.view, &dx.view)])?;
    let expected = reference::pool::backward(&gradient, shape);
    let share = |i: usize| {
        let dy = gradient[i / (pixels * shape.c) * shape.c + i % shape.c];
        Approx::exact(dy) / Approx::exact(pixels as f64)
    };
    let bounds: Vec<Approx> = (0..shape.len()).map(share).collect();
    lab.check(&dx, &pack(&expected, shape), &pack(&errors(&bounds), shape))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in
        [Shape::new(3, 7, 5, 5), Shape::new(3, 1, 1, 18), Shape::new(130, 8, 8, 64), Shape::new(2, 32, 32, 3)]
    {
        let Shape { n, h, w, c } = shape;
        let name = format!("{n}x{h}x{w}x{c}");
        cases.push(Case::new(&pool::FORWARD, name.clone(), move |lab| forward(lab, shape)));
        cases.push(Case::new(&pool::BACKWARD, name, move |lab| backward(lab, shape)));
    }
    cases
}
