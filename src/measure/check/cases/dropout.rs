//! Dropout and DropBlock: masks must equal the host's exactly.

use super::noise::{NOISE, STEP};
use crate::Result;
use crate::kernels::dropout::{self, DropBlock};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare};
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

fn block(lab: &Lab, (rate, block): (f32, usize), shape: Shape, count: bool) -> Result<Vec<Comparison>> {
    let input: Vec<f64> =
        normals(31, shape.len()).iter().map(|x| if *x < 0.0 { -2.5 } else { 1.5 }).collect();
    let rows = lab.rows(shape);
    let drop = DropBlock { rate, block, rows, width: shape.w, noise: NOISE };
    let noise =
        reference::Noise { seed: NOISE.seed, stream: Stream::Dropout, step: STEP, layer: NOISE.layer };
    let (side, gamma) = (drop.side(), f64::from(drop.gamma()));
    let twin = reference::dropout::DropBlock { gamma, block: side, noise };
    let (x, state) = (lab.values("x", &pack(&input, shape))?, lab.state(STEP)?);
    let counts = lab.poisoned("counts", drop.counts())?;
    lab.run([drop.count(&state.view, &counts.view), drop.apply(&counts.view, &state.view, &x.view)])?;
    if count {
        let (words, guard) = lab.read(&counts)?;
        let kept: u32 = words.iter().map(|word| word.to_bits()).sum();
        let expected: f64 = twin.mask(shape).iter().sum();
        return Ok(vec![compare("kept", &[kept as f32], &[expected], &[0.0]), guard]);
    }
    let expected = twin.forward(&input, shape);
    let kept: f64 = twin.mask(shape).iter().sum();
    let scale = Approx::exact(shape.len() as f64) / Approx::exact(kept.max(1.0));
    let bounds: Vec<Approx> = input.iter().map(|&x| Approx::exact(x) * scale).collect();
    let mut tolerance = errors(&bounds);
    tolerance.iter_mut().zip(&expected).filter(|(_, y)| **y == 0.0).for_each(|(t, _)| *t = 0.0);
    lab.check(&x, &pack(&expected, shape), &pack(&tolerance, shape))
}

const BLOCKS: [((f32, usize), Shape); 6] = [
    ((0.1, 3), Shape::new(3, 7, 5, 5)),
    ((0.5, 1), Shape::new(3, 4, 6, 18)),
    ((0.1, 7), Shape::new(2, 8, 8, 64)),
    ((0.25, 7), Shape::new(2, 5, 4, 3)), // larger than the image
    ((0.0, 3), Shape::new(2, 5, 4, 3)),
    ((0.1, 7), Shape::new(16, 32, 32, 16)),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (form, shape) in BLOCKS {
        let Shape { n, h, w, c } = shape;
        let name = format!("rate {}, blocks of {}, {n}x{h}x{w}x{c}", form.0, form.1);
        cases.push(Case::new(&dropout::BLOCK_COUNT, name.clone(), move |lab| block(lab, form, shape, true)));
        cases.push(Case::new(&dropout::BLOCK, name, move |lab| block(lab, form, shape, false)));
    }
    for rate in [0.0, 0.1, 0.25, 0.5, 0.4, 0.875] {
        for shape in [Shape::new(3, 7, 5, 5), Shape::new(3, 1, 1, 18), Shape::new(64, 16, 16, 16)] {
            let Shape { n, h, w, c } = shape;
            let name = format!("rate {rate}, {n}x{h}x{w}x{c}");
            cases.push(Case::new(&dropout::FORWARD, name, move |lab| run(lab, rate, shape)));
        }
    }
    cases
}
