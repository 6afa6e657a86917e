//! Biases of convolutions.

use crate::Result;
use crate::kernels::bias;
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare};
use crate::measure::check::lab::{Lab, abs, normals, pack, pack_vectors};
use crate::measure::check::tolerance::{TINY, ULP, sum_of_products};
use crate::reference::{self, Shape};

fn forward(lab: &Lab, shape: Shape) -> Result<Vec<Comparison>> {
    let (x, b) = (normals(81, shape.len()), normals(82, shape.c));
    let (view, bias) = (lab.values("x", &pack(&x, shape))?, lab.values("bias", &pack_vectors(&b, shape.c))?);
    lab.run([bias::forward(lab.rows(shape), &bias.view, &view.view)])?;
    let expected = pack(&reference::bias::forward(&x, &b, shape), shape);
    let tolerance: Vec<f64> = expected.iter().map(|sum| ULP * sum.abs() + TINY).collect();
    lab.check(&view, &expected, &tolerance)
}

fn gradient(lab: &Lab, shape: Shape) -> Result<Vec<Comparison>> {
    let dy = normals(83, shape.len());
    let (view, rows) = (lab.values("dy", &pack(&dy, shape))?, lab.rows(shape));
    let stride = (rows.c4() * 4).next_multiple_of(64);
    let partial = lab.poisoned("partial", rows.reduction_chunks() * stride)?;
    lab.run([bias::gradient(rows, &view.view, &partial.view, stride)])?;
    let (parts, guard) = lab.read(&partial)?;
    let sum = |c: usize| parts[c..].iter().step_by(stride).map(|&part| f64::from(part)).sum::<f64>() as f32;
    let got: Vec<f32> = (0..shape.c).map(sum).collect();
    let expected = reference::bias::gradient(&dy, shape);
    let magnitude = reference::bias::gradient(&abs(&dy), shape);
    let tolerance: Vec<f64> = magnitude.iter().map(|&m| sum_of_products(shape.rows() + 1, m)).collect();
    Ok(vec![compare("dbias", &got, &expected, &tolerance), guard])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [Shape::new(3, 7, 5, 3), Shape::new(2, 3, 1, 260), Shape::new(128, 32, 32, 16)] {
        let Shape { n, h, w, c } = shape;
        let name = format!("{n}x{h}x{w}x{c}");
        cases.push(Case::new(&bias::FORWARD, name.clone(), move |lab| forward(lab, shape)));
        cases.push(Case::new(&bias::GRADIENT, name, move |lab| gradient(lab, shape)));
    }
    cases
}
