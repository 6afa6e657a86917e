//! Activations by themselves.

use super::noise::{NOISE, STEP, Site, specs};
use crate::Result;
use crate::kernels::activation;
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, errors, normals, pack};
use crate::measure::check::tolerance::Approx;
use crate::reference::{Mode, Shape};

const SHAPES: [Shape; 4] =
    [Shape::new(3, 7, 5, 3), Shape::new(3, 7, 5, 18), Shape::new(2, 3, 1, 260), Shape::new(128, 16, 16, 16)];

/// Normals, with both zeros, denormals, and numbers far from 1, as far as the value is still a number of f32.
fn inputs(site: &Site, shape: Shape) -> Vec<f64> {
    let mut x = normals(20, shape.len());
    let special =
        [0.0, -0.0, 1e-40, -1e-40, 1e4, -1e4, 1e-7, -1e-7, f64::from(f32::MAX), f64::from(f32::MIN)];
    for (i, value) in special.into_iter().enumerate() {
        let at = 1 + i * 3;
        let most = site.apply(Approx::exact(value), shape, at / shape.c, at % shape.c)[0];
        // What only returns its input cannot overflow on the way; others might, by a factor, or by rounding up to infinity.
        let fits = most.error == 0.0 || 4.0 * (most.value.abs() + most.error) <= f64::from(f32::MAX);
        x[at] = f64::from(if fits { value } else { value / 64.0 } as f32);
    }
    x
}

fn run(lab: &Lab, spec: &str, mode: Mode, shape: Shape, backward: bool) -> Result<Vec<Comparison>> {
    let site = Site::new(spec, mode)?;
    let rows = lab.rows(shape);
    let (input, dy) = (inputs(&site, shape), normals(21, shape.len()));
    let (x, state) = (lab.values("x", &pack(&input, shape))?, lab.state(STEP)?);
    let each = |i: usize| site.apply(Approx::exact(input[i]), shape, i / shape.c, i % shape.c);
    if backward {
        let dx = lab.values("dx", &pack(&dy, shape))?;
        let train = site.train();
        lab.run([activation::backward(
            &site.activation,
            train,
            NOISE,
            rows,
            &x.view,
            &state.view,
            &dx.view,
        )])?;
        let bounds: Vec<Approx> = (0..shape.len()).map(|i| each(i)[1] * Approx::exact(dy[i])).collect();
        let expected = site.reference().backward(&dy, &input, shape);
        lab.check(&dx, &pack(&expected, shape), &pack(&errors(&bounds), shape))
    } else {
        let y = lab.poisoned("y", rows.words())?;
        let train = site.train();
        lab.run([activation::forward(&site.activation, train, NOISE, rows, &x.view, &state.view, &y.view)])?;
        let bounds: Vec<Approx> = (0..shape.len()).map(|i| each(i)[0]).collect();
        let expected = site.reference().forward(&input, shape);
        lab.check(&y, &pack(&expected, shape), &pack(&errors(&bounds), shape))
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut seen = Vec::new();
    for spec in specs() {
        let name = spec.split(':').next().unwrap_or_default().to_owned();
        // The words of a choice change the function, not where it is applied.
        let shapes = if seen.contains(&name) { &SHAPES[..2] } else { &SHAPES[..] };
        seen.push(name);
        for mode in [Mode::Train, Mode::Eval] {
            for &shape in shapes {
                for (kernel, backward) in [(&activation::FORWARD, false), (&activation::BACKWARD, true)] {
                    let Shape { n, h, w, c } = shape;
                    let (name, spec) = (format!("{spec}, {mode:?}, {n}x{h}x{w}x{c}"), spec.clone());
                    cases.push(Case::new(kernel, name, move |lab| run(lab, &spec, mode, shape, backward)));
                }
            }
        }
    }
    cases
}
