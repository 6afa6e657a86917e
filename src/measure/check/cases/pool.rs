//! Global average pooling and max pooling; the latter chooses: exact.

use crate::Result;
use crate::kernels::groups_of_four;
use crate::kernels::pool::{self, MaxPool, Pool};
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, errors, make_extreme, normals, pack, pack_vectors};
use crate::measure::check::tolerance::Approx;
use crate::reference::{self, Shape};

fn values(part: u32, len: usize, extreme: bool) -> Vec<f64> {
    let mut values = normals(part, len);
    if extreme {
        make_extreme(&mut values, 1e-40, 1e4);
    }
    values
}

fn forward(lab: &Lab, shape: Shape, extreme: bool) -> Result<Vec<Comparison>> {
    let input = values(50, shape.len(), extreme);
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

fn backward(lab: &Lab, shape: Shape, extreme: bool) -> Result<Vec<Comparison>> {
    let gradient = values(51, shape.n * shape.c, extreme);
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

/// Halves, so that pixels of a window are equal now and then, and both zeros.
fn halves(len: usize, extreme: bool) -> Vec<f64> {
    let mut x: Vec<f64> = normals(52, len).iter().map(|x| (2.0 * x).round() / 2.0).collect();
    if extreme {
        make_extreme(&mut x, 1e-40, 1e4);
    }
    x
}

fn max_forward(lab: &Lab, shape: Shape, window: usize, extreme: bool) -> Result<Vec<Comparison>> {
    let input = halves(shape.len(), extreme);
    let Shape { n, h, w, c } = shape;
    let outputs = Shape { h: h / window, w: w / window, ..shape };
    let x = lab.values("x", &pack(&input, shape))?;
    let y = lab.poisoned("y", outputs.rows() * groups_of_four(c) * 4)?;
    lab.run([MaxPool { batch: n, height: h, width: w, channels: c, window }.forward(&x.view, &y.view)])?;
    let expected = pack(&reference::pool::max_forward(&input, shape, window), outputs);
    // A driver may take numbers below f32's normal range for 0.
    lab.check(&y, &expected, &vec![f64::from(f32::MIN_POSITIVE); expected.len()])
}

fn max_backward(lab: &Lab, shape: Shape, window: usize) -> Result<Vec<Comparison>> {
    let input = halves(shape.len(), false);
    let Shape { n, h, w, c } = shape;
    let outputs = Shape { h: h / window, w: w / window, ..shape };
    let gradient = normals(53, outputs.len());
    let x = lab.values("x", &pack(&input, shape))?;
    let dy = lab.values("dy", &pack(&gradient, outputs))?;
    let dx = lab.poisoned("dx", shape.rows() * groups_of_four(c) * 4)?;
    let pool = MaxPool { batch: n, height: h, width: w, channels: c, window };
    lab.run([pool.backward([&x.view, &dy.view], &dx.view)])?;
    let expected = pack(&reference::pool::max_backward(&gradient, &input, shape, window), shape);
    lab.check(&dx, &expected, &vec![0.0; expected.len()])
}

fn max_cases(cases: &mut Vec<Case>) {
    for (sizes, window, extreme) in [
        ((3, 7, 5, 5), 2, false),
        ((2, 31, 31, 24), 2, false),
        ((5, 3, 3, 64), 3, false),
        ((2, 10, 9, 18), 4, false),
        ((2, 1, 6, 3), 1, false),
        ((2, 8, 6, 6), 2, true),
    ] {
        let (n, h, w, c) = sizes;
        let shape = Shape::new(n, h, w, c);
        let name = format!("{n}x{h}x{w}x{c}, window {window}");
        let case = move |lab: &Lab| max_forward(lab, shape, window, extreme);
        cases.push(Case::new(
            &pool::MAX_FORWARD,
            if extreme { format!("{name}, extreme values") } else { name.clone() },
            case,
        ));
        if !extreme {
            cases.push(Case::new(&pool::MAX_BACKWARD, name, move |lab| max_backward(lab, shape, window)));
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let plain = [(3, 7, 5, 5), (3, 1, 1, 18), (130, 8, 8, 64), (2, 32, 32, 3)].map(|sizes| (sizes, false));
    for ((n, h, w, c), extreme) in plain.into_iter().chain([((7, 5, 3, 18), true)]) {
        let shape = Shape::new(n, h, w, c);
        let name = format!("{n}x{h}x{w}x{c}{}", if extreme { ", extreme values" } else { "" });
        cases.push(Case::new(&pool::FORWARD, name.clone(), move |lab| forward(lab, shape, extreme)));
        cases.push(Case::new(&pool::BACKWARD, name, move |lab| backward(lab, shape, extreme)));
    }
    max_cases(&mut cases);
    cases
}
