//! Dropout: masks must equal the host's exactly.

use super::noise::{NOISE, STEP};
use crate::Result;
use crate::kernels::dropout;
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, errors, normals, pack};
use crate::measure::check::tolerance::Approx;
use crate::reference::{self, Shape};
use crate::rng::Stream;

fn run(lab: &Lab, rate: f32, shape: Shape) -> Result<Vec<Comparison>> {
    // No zeros among the inputs: a wrong mask shows in every element.
    let input: Vec<f64> =
        normals(30, shape.len()).iter().map(|x| if *x < 0.0 { x - 1.0 } else { x + 1.0 }).collect();
    let input: Vec<f64> = input.iter().map(|&x| f64::from(x as f32)).collect();
    let noise =
        reference::Noise { seed: NOISE.seed, stream: Stream::Dropout, step: STEP, layer: NOISE.layer };
    let twin = reference::dropout::Dropout { rate: f64::from(rate), noise };
    let expected = twin.forward(&input, shape);
    let (x, state) = (lab.values("x", &pack(&input, shape))?, lab.state(STEP)?);
    let rows = lab.rows(shape);
    lab.run([dropout::apply(rate, NOISE, rows, &state.view, &x.view)])?;
    let one = Approx::exact(1.0);
    let scale = one / (one - Approx::exact(f64::from(rate)));
    let bounds: Vec<Approx> = input.iter().map(|&x| Approx::exact(x) * scale).collect();
    let mut tolerance = errors(&bounds);
    tolerance.iter_mut().zip(&expected).filter(|(_, y)| **y == 0.0).for_each(|(t, _)| *t = 0.0);
    lab.check(&x, &pack(&expected, shape), &pack(&tolerance, shape))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for rate in [0.0, 0.1, 0.25, 0.5, 0.4, 0.875] {
        for shape in [Shape::new(3, 7, 5, 5), Shape::new(3, 1, 1, 18), Shape::new(64, 16, 16, 16)] {
            let Shape { n, h, w, c } = shape;
            let name = format!("rate {rate}, {n}x{h}x{w}x{c}");
            cases.push(Case::new(&dropout::FORWARD, name, move |lab| run(lab, rate, shape)));
        }
    }
    cases
}
