//! DropConnect: masks must equal the host's exactly.

use super::noise::{NOISE, STEP};
use crate::Result;
use crate::kernels::dropconnect::{self, DropConnect};
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, errors, normals};
use crate::measure::check::tolerance::Approx;
use crate::reference::{self, Mode};
use crate::rng::{self, Stream};

/// Words of the flat buffer: blocks of 64, some of which are dropped from.
const WORDS: usize = 64 * 37;

fn dropped() -> Vec<bool> {
    (0..WORDS / 64).map(|block| block % 3 != 1).collect()
}

fn twin(rate: f32, mode: Mode) -> reference::dropconnect::DropConnect {
    let noise =
        reference::Noise { seed: NOISE.seed, stream: Stream::Dropout, step: STEP, layer: NOISE.layer };
    reference::dropconnect::DropConnect { rate: f64::from(rate), noise, mode }
}

fn masks(lab: &Lab, rate: f32, mode: Mode, gradient: bool) -> Result<Vec<Comparison>> {
    let (weight, marks) = (normals(70, WORDS), dropped());
    let flags: Vec<f64> = marks.iter().map(|&mark| f64::from(u8::from(mark))).collect();
    let (flags, state) = (lab.values("dropped", &flags)?, lab.state(STEP)?);
    let drop = DropConnect { rate, noise: NOISE };
    let input = lab.values("weight", &weight)?;
    let train = mode == Mode::Train;
    let output = if gradient {
        lab.run([drop.gradient(train, &flags.view, &state.view, &input.view)])?;
        input
    } else {
        let output = lab.poisoned("connected", WORDS)?;
        let views = [&input.view, &flags.view, &state.view];
        lab.run([drop.weights(train, views, &output.view)])?;
        output
    };
    let expected = twin(rate, mode).apply(&weight, &marks);
    // A mask chooses; the mean is 1 - rate, rounded, and a product.
    let mean = Approx::exact(1.0) - Approx::exact(f64::from(rate));
    let bounds = weight.iter().enumerate().map(|(i, &weight)| match mode {
        Mode::Eval if marks[i / 64] => mean * Approx::exact(weight),
        _ => Approx::exact(0.0),
    });
    lab.check(&output, &expected, &errors(&bounds.collect::<Vec<_>>()))
}

fn variances(lab: &Lab, rate: f32) -> Result<Vec<Comparison>> {
    let (weight, marks) = (normals(71, WORDS), dropped());
    let flags: Vec<f64> = marks.iter().map(|&mark| f64::from(u8::from(mark))).collect();
    let (flags, state) = (lab.values("dropped", &flags)?, lab.state(STEP)?);
    let (input, output) = (lab.values("weight", &weight)?, lab.poisoned("variance", WORDS)?);
    let drop = DropConnect { rate, noise: NOISE };
    lab.run([drop.variances([&input.view, &flags.view, &state.view], &output.view)])?;
    let twin = twin(rate, Mode::Train);
    let of = |i: usize| if marks[i / 64] { twin.variance(weight[i]) } else { 0.0 };
    let expected: Vec<f64> = (0..WORDS).map(of).collect();
    let share = Approx::exact(f64::from(rate));
    let mean = share * (Approx::exact(1.0) - share);
    let bound = |&w: &f64| mean * Approx::exact(w) * Approx::exact(w);
    let tolerance = errors(&weight.iter().map(bound).collect::<Vec<_>>());
    lab.check(&output, &expected, &tolerance)
}

fn square(lab: &Lab) -> Result<Vec<Comparison>> {
    let values = normals(72, WORDS);
    let (x, y) = (lab.values("x", &values)?, lab.poisoned("y", WORDS)?);
    lab.run([dropconnect::square(&x.view, &y.view)])?;
    let bounds: Vec<Approx> = values.iter().map(|&x| Approx::exact(x) * Approx::exact(x)).collect();
    let expected: Vec<f64> = values.iter().map(|x| x * x).collect();
    lab.check(&y, &expected, &errors(&bounds))
}

fn sample(lab: &Lab) -> Result<Vec<Comparison>> {
    let values = normals(73, WORDS);
    let variance: Vec<f64> = normals(74, WORDS).iter().map(|v| f64::from((v * v) as f32)).collect();
    let (y, v) = (lab.values("y", &values)?, lab.values("variance", &variance)?);
    let state = lab.state(STEP)?;
    lab.run([dropconnect::sample(NOISE, &v.view, &state.view, &y.view)])?;
    let normal = |i: usize| {
        let u = rng::uniform4(NOISE.seed, Stream::Dropout, i as u32 / 4, STEP, NOISE.layer).map(f64::from);
        let pair = i % 4 / 2 * 2;
        let [exact, bound] = [i % 2; 2].map(|k| {
            (
                rng::normal_pair(u[pair], u[pair + 1])[k],
                reference::normal_bounds(u[pair], u[pair + 1])[k].error,
            )
        });
        Approx { value: exact.0, error: bound.1 }
    };
    let all: Vec<Approx> = (0..WORDS)
        .map(|i| Approx::exact(values[i]) + Approx::exact(variance[i]).sqrt() * normal(i))
        .collect();
    let expected: Vec<f64> = all.iter().map(|bound| bound.value).collect();
    lab.check(&y, &expected, &errors(&all))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(&dropconnect::SQUARE, "2,368 words", square),
        Case::new(&dropconnect::SAMPLE, "2,368 words", sample),
    ];
    for rate in [0.0f32, 0.1, 0.5, 0.875] {
        for mode in [Mode::Train, Mode::Eval] {
            let name = format!("rate {rate}, {mode:?}");
            cases.push(Case::new(&dropconnect::WEIGHTS, name.clone(), move |lab| {
                masks(lab, rate, mode, false)
            }));
            cases.push(Case::new(&dropconnect::GRADIENT, name, move |lab| masks(lab, rate, mode, true)));
        }
        cases.push(Case::new(&dropconnect::WEIGHTS, format!("rate {rate}, variances"), move |lab| {
            variances(lab, rate)
        }));
    }
    cases
}
