//! The step's state, the sum of the partial gradients, SGD.

use crate::Result;
use crate::gpu::Recorder;
use crate::kernels::optimizer::{self, Sgd, State};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare, untouched};
use crate::measure::check::lab::{Lab, errors, narrow, normals, uniforms};
use crate::measure::check::tolerance::{Approx, sum_of_products};
use crate::reference;

pub(super) fn advance_cases() -> Vec<Case> {
    vec![Case::new(&optimizer::ADVANCE, "three steps", |lab| {
        let rates = [0.5f32, 0.25, 0.125, 0.0625, 0.1];
        let rates_view = lab.floats("rates", &rates)?;
        let state = lab.words("state", bytemuck::cast_slice(&[State::before(40, 2, 1000)]))?;
        let mut recorder = Recorder::new();
        recorder.push(optimizer::advance(128, &rates_view.view, &state.view));
        let plan = recorder.finish(lab.gpu)?;
        let mut comparisons = Vec::new();
        for k in 0..3u32 {
            plan.run(lab.gpu)?;
            let expected = State {
                step: 40 + k,
                record: 2 + k,
                cursor: 1000 + 128 * k,
                lr: rates[2 + k as usize],
                next_step: 41 + k,
                next_record: 3 + k,
                next_cursor: 1128 + 128 * k,
                unused: 0,
            };
            comparisons.extend(lab.check_words(&state, bytemuck::cast_slice(&[expected]))?);
        }
        Ok(comparisons)
    })]
}

/// Rows of 64 words with no, one and many splits; those without keep what they hold.
fn reduce(lab: &Lab) -> Result<Vec<Comparison>> {
    let splits = [3usize, 0, 1, 16, 2];
    let (mut table, mut partial) = (Vec::new(), Vec::new());
    let (mut expected, mut tolerance) = (Vec::new(), Vec::new());
    for (row, &count) in splits.iter().enumerate() {
        let stride = 64 * (row + 1);
        let values = normals(80 + row as u32, stride * count.max(1));
        table.extend([partial.len() as u32, count as u32, stride as u32, 0]);
        for word in 0..64 {
            let terms = (0..count).map(|split| values[split * stride + word]);
            let magnitude: f64 = terms.clone().map(f64::abs).sum();
            expected.push(terms.sum::<f64>());
            tolerance.push(sum_of_products(count, magnitude));
        }
        partial.extend(values);
    }
    let partial = lab.values("partial", &partial)?;
    let table = lab.words("table", &table)?;
    let gradient = lab.poisoned("gradient", 64 * splits.len())?;
    lab.run([optimizer::reduce(&partial.view, &table.view, &gradient.view)])?;
    let (got, guard) = lab.read(&gradient)?;
    let mut comparisons = vec![guard, untouched("gradient without splits", &got[64..128])];
    for part in [0..64, 128..320] {
        let part = (part.start, part.end);
        let [got, expected] = [&narrowed(&got)[part.0..part.1], &expected[part.0..part.1]];
        comparisons.push(compare("gradient", &narrow(got), expected, &tolerance[part.0..part.1]));
    }
    Ok(comparisons)
}

fn narrowed(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Three steps with a new gradient and learning rate each, against the twin; decay differs from block to block.
fn sgd(lab: &Lab, momentum: f32, nesterov: bool, words: usize) -> Result<Vec<Comparison>> {
    let decay: Vec<f64> =
        (0..words / 64).map(|i| if i % 3 == 2 { 0.0 } else { uniforms(92, words, 1e-4, 0.1)[i] }).collect();
    let rates = uniforms(91, 3, 0.01, 0.5);
    let (mut weight, mut buffer) = (normals(90, words), vec![0.0; words]);
    let (mut bound, mut momentum_bound): (Vec<_>, Vec<_>) =
        (weight.iter().map(|&w| Approx::exact(w)).collect(), vec![Approx::exact(0.0); words]);
    let state = lab.words("state", bytemuck::cast_slice(&[State::before(0, 0, 0)]))?;
    let [rates_view, decay_view] = [lab.values("rates", &rates)?, lab.values("decay", &decay)?];
    let gradient_view = lab.poisoned("gradient", words)?;
    let (weight_view, buffer_view) = (lab.values("weight", &weight)?, lab.values("buffer", &buffer)?);
    let mut recorder = Recorder::new();
    recorder.push(optimizer::advance(1, &rates_view.view, &state.view));
    let views = [&gradient_view, &decay_view, &state, &weight_view, &buffer_view].map(|t| &t.view);
    recorder.push(Sgd { momentum, nesterov }.step(views[0], views[1], views[2], views[3], views[4]));
    let plan = recorder.finish(lab.gpu)?;
    let mut comparisons = Vec::new();
    for (step, &lr) in rates.iter().enumerate() {
        let gradient = normals(93 + step as u32, words);
        lab.gpu.write(&gradient_view.view, &narrow(&gradient))?;
        plan.run(lab.gpu)?;
        for block in 0..words / 64 {
            let twin = reference::optimizer::Sgd {
                lr,
                momentum: f64::from(momentum),
                weight_decay: decay[block],
                nesterov,
            };
            let part = block * 64..block * 64 + 64;
            twin.step(&mut weight[part.clone()], &mut buffer[part.clone()], &gradient[part]);
        }
        for i in 0..words {
            let m = Approx::exact(f64::from(momentum));
            let g = Approx::exact(decay[i / 64]) * bound[i] + Approx::exact(gradient[i]);
            momentum_bound[i] = m * momentum_bound[i] + g;
            let update = if nesterov { m * momentum_bound[i] + g } else { momentum_bound[i] };
            bound[i] = bound[i] - Approx::exact(lr) * update;
        }
        comparisons.extend(lab.check(&buffer_view, &buffer, &errors(&momentum_bound))?);
        comparisons.extend(lab.check(&weight_view, &weight, &errors(&bound))?);
    }
    Ok(comparisons)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![Case::new(&optimizer::REDUCE, "0, 1, 2, 3 and 16 splits", reduce)];
    for (momentum, nesterov, words) in
        [(0.0, false, 320), (0.9, false, 320), (0.9, true, 320), (0.875, true, 64 * 70)]
    {
        let kind = if nesterov { "Nesterov" } else { "plain" };
        let name = format!("three steps, momentum {momentum}, {kind}, {words} words");
        cases.push(Case::new(&optimizer::SGD, name, move |lab| sgd(lab, momentum, nesterov, words)));
    }
    cases
}
