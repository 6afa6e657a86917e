//! Residual sums and option A's gradient.

use super::noise::{NOISE, STEP};
use crate::Result;
use crate::kernels::groups_of_four;
use crate::kernels::residual::{self, Branch, Scale, Shortcut};
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, abs, errors, make_extreme, normals, pack};
use crate::measure::check::tolerance::{Approx, TINY, ULP};
use crate::reference::{self, Mode, Shape};
use crate::rng::Stream;

/// Inputs of option A and the channels of its output: heights and widths even and odd, channels in all positions.
pub(super) const PADDED: [(Shape, usize); 6] = [
    (Shape::new(3, 7, 5, 3), 6),
    (Shape::new(3, 7, 5, 5), 18),
    (Shape::new(2, 8, 6, 16), 32),
    (Shape::new(3, 1, 4, 18), 18),
    (Shape::new(2, 3, 3, 3), 5),
    (Shape::new(64, 32, 32, 16), 32),
];

/// With zeros, denormals and large numbers among the values.
fn add(lab: &Lab, rows: Shape, from: Option<Shape>) -> Result<Vec<Comparison>> {
    let source = from.unwrap_or(rows);
    let (mut x, mut s) = (normals(40, rows.len()), normals(41, source.len()));
    make_extreme(&mut x, 1e-40, 1e4);
    make_extreme(&mut s, 1e-40, 1e4);
    let (out, view) = (lab.values("x", &pack(&x, rows))?, lab.values("shortcut", &pack(&s, source))?);
    let (shortcut, added) = match from {
        None => (Shortcut::Same(view.view.clone()), s),
        Some(from) => {
            let Shape { h: height, w: width, c: channels, .. } = from;
            let shortcut = Shortcut::Padded { view: view.view.clone(), height, width, channels };
            (shortcut, reference::residual::shortcut_forward(&s, from, rows.c))
        }
    };
    let state = lab.state(STEP)?;
    lab.run([Branch::PLAIN.add(lab.rows(rows), [rows.h, rows.w], &shortcut, &state.view, &out.view)])?;
    let expected = reference::residual::add(&x, &added);
    let tolerance: Vec<f64> = abs(&expected).iter().map(|sum| ULP * sum + 3.0 * TINY).collect();
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

/// A branch's scale and its twin.
fn scales(kind: &str, survival: f32) -> (Scale, reference::residual::Scale) {
    let exact = f64::from(survival);
    if kind == "shakedrop" {
        (Scale::ShakeDrop { survival }, reference::residual::Scale::ShakeDrop { survival: exact })
    } else {
        (Scale::StochasticDepth { survival }, reference::residual::Scale::StochasticDepth { survival: exact })
    }
}

fn branch(lab: &Lab, (kind, survival): (&str, f32), mode: Mode, backward: bool) -> Result<Vec<Comparison>> {
    let shape = Shape::new(37, 3, 5, 6);
    let (scale, twin) = scales(kind, survival);
    let noise =
        reference::Noise { seed: NOISE.seed, stream: Stream::Dropout, step: STEP, layer: NOISE.layer };
    let branch = Branch { scale, train: mode == Mode::Train, noise: NOISE };
    let (x, s) = (normals(43, shape.len()), normals(44, shape.len()));
    let (input, state) = (lab.values("x", &pack(&x, shape))?, lab.state(STEP)?);
    let rows = lab.rows(shape);
    let image = shape.h * shape.w * shape.c;
    let factor = |i: usize| {
        // Of a uniform, exact, two operations; a survival probability is exact.
        let value = twin.factors(mode, noise, i / image)[usize::from(backward)];
        if value == 0.0 || value == 1.0 || mode == Mode::Eval {
            Approx::exact(value)
        } else {
            Approx::rounded(value)
        }
    };
    let product = |i: usize| factor(i) * Approx::exact(x[i]);
    if backward {
        let dx = lab.poisoned("dx", rows.words())?;
        lab.run([branch.backward(rows, &input.view, &state.view, &dx.view)])?;
        let expected = twin.backward(&x, shape, mode, noise);
        let bounds: Vec<Approx> = (0..shape.len()).map(product).collect();
        return lab.check(&dx, &pack(&expected, shape), &pack(&errors(&bounds), shape));
    }
    let shortcut = lab.values("shortcut", &pack(&s, shape))?;
    let same = Shortcut::Same(shortcut.view.clone());
    lab.run([branch.add(rows, [shape.h, shape.w], &same, &state.view, &input.view)])?;
    let expected = reference::residual::add(&twin.forward(&x, shape, mode, noise), &s);
    let bounds: Vec<Approx> = (0..shape.len()).map(|i| product(i) + Approx::exact(s[i])).collect();
    lab.check(&input, &pack(&expected, shape), &pack(&errors(&bounds), shape))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, survival) in [("stochastic_depth", 0.5), ("stochastic_depth", 0.9), ("shakedrop", 0.5)] {
        for mode in [Mode::Train, Mode::Eval] {
            let name = format!("{kind}, survival {survival}, {mode:?}");
            let form = (kind, survival);
            cases.push(Case::new(&residual::ADD, name.clone(), move |lab| branch(lab, form, mode, false)));
            cases.push(Case::new(&residual::BRANCH, name, move |lab| branch(lab, form, mode, true)));
        }
    }
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
