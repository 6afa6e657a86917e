//! Residual sums and option A's gradient.

use crate::Result;
use crate::kernels::groups_of_four;
use crate::kernels::residual::{self, Shortcut};
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, abs, normals, pack};
use crate::measure::check::tolerance::{TINY, ULP};
use crate::reference::{self, Shape};

/// Inputs of option A and the channels of its output: heights and widths even and odd, channels in all positions.
pub(super) const PADDED: [(Shape, usize); 6] = [
    (Shape::new(3, 7, 5, 3), 6),
    (Shape::new(3, 7, 5, 5), 18),
    (Shape::new(2, 8, 6, 16), 32),
    (Shape::new(3, 1, 4, 18), 18),
    (Shape::new(2, 3, 3, 3), 5),
    (Shape::new(64, 32, 32, 16), 32),
];

fn add(lab: &Lab, rows: Shape, from: Option<Shape>) -> Result<Vec<Comparison>> {
    let source = from.unwrap_or(rows);
    let (x, s) = (normals(40, rows.len()), normals(41, source.len()));
    let (out, view) = (lab.values("x", &pack(&x, rows))?, lab.values("shortcut", &pack(&s, source))?);
    let (shortcut, added) = match from {
        None => (Shortcut::Same(view.view.clone()), s),
        Some(from) => {
            let Shape { h: height, w: width, c: channels, .. } = from;
            let shortcut = Shortcut::Padded { view: view.view.clone(), height, width, channels };
            (shortcut, reference::residual::shortcut_forward(&s, from, rows.c))
        }
    };
    lab.run([residual::add(lab.rows(rows), rows.h, rows.w, &shortcut, &out.view)])?;
    let expected = reference::residual::add(&x, &added);
    let tolerance: Vec<f64> = abs(&expected).iter().map(|sum| ULP * sum + TINY).collect();
    lab.check(&out, &pack(&expected, rows), &pack(&tolerance, rows))
}

/// A copy: exact.
fn backward(lab: &Lab, from: Shape, channels: usize) -> Result<Vec<Comparison>> {
    let to = reference::residual::shortcut_shape(from, channels);
    let dy = normals(42, to.len());
    let dz = lab.values("dz", &pack(&dy, to))?;
    let dx = lab.poisoned("dx", from.rows() * groups_of_four(from.c) * 4)?;
    let shapes = ([to.h, to.w, to.c], [from.h, from.w, from.c]);
    lab.run([residual::backward(from.n, shapes.0, shapes.1, &dz.view, &dx.view)])?;
    let expected = pack(&reference::residual::shortcut_backward(&dy, from, channels), from);
    lab.check(&dx, &expected, &vec![0.0; expected.len()])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [Shape::new(3, 7, 5, 5), Shape::new(2, 3, 1, 260), Shape::new(128, 32, 32, 16)] {
        let Shape { n, h, w, c } = shape;
        let name = format!("same, {n}x{h}x{w}x{c}");
        cases.push(Case::new(&residual::ADD, name, move |lab| add(lab, shape, None)));
    }
    for (from, channels) in PADDED {
        let Shape { n, h, w, c } = from;
        let name = format!("option A, {n}x{h}x{w}x{c} to {channels} channels");
        let to = reference::residual::shortcut_shape(from, channels);
        cases.push(Case::new(&residual::ADD, name.clone(), move |lab| add(lab, to, Some(from))));
        cases.push(Case::new(&residual::BACKWARD, name, move |lab| backward(lab, from, channels)));
    }
    cases
}
