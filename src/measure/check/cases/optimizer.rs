//! The step's state, the sum of the partial gradients, SGD.

use crate::Result;
use crate::kernels::optimizer::{self, LossScale, Sgd, State};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare, untouched};
use crate::measure::check::lab::{Lab, errors, make_extreme, narrow, normals, uniforms};
use crate::measure::check::tolerance::{Approx, sum_of_products};
use crate::reference;

pub(super) fn advance_cases() -> Vec<Case> {
    vec![Case::new(&optimizer::ADVANCE, "three steps", |lab| {
        let rates = [0.5f32, 0.25, 0.125, 0.0625, 0.1];
        let rates_view = lab.floats("rates", &rates)?;
        let state = lab.words("state", bytemuck::cast_slice(&[State::before(40, 2, 1000)]))?;
        let scaling = lab.words("scaling", bytemuck::cast_slice(&[LossScale::ONE]))?;
        let plan = lab.plan([optimizer::advance(128, 0, &rates_view.view, &state.view, &scaling.view)])?;
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
                scale: 1.0,
            };
            comparisons.extend(lab.check_words(&state, bytemuck::cast_slice(&[expected]))?);
        }
        comparisons.extend(lab.check_words(&scaling, bytemuck::cast_slice(&[LossScale::ONE]))?);
        Ok(comparisons)
    })]
}

/// How the loss scale moves over steps of which some have gradients that are not finite (`true`), with this growth.
fn scale_case(growth: u32, steps: &'static [bool], expected: LossScale) -> Case {
    let name = format!("loss scale, growth {growth}, {} steps", steps.len());
    Case::new(&optimizer::ADVANCE, name, move |lab| {
        let rates = lab.floats("rates", &vec![0.5; steps.len()])?;
        let state = lab.words("state", bytemuck::cast_slice(&[State::before(0, 0, 0)]))?;
        let scaling = lab.words("scaling", bytemuck::cast_slice(&[LossScale::starting(1024.0)]))?;
        let plan = lab.plan([optimizer::advance(1, growth, &rates.view, &state.view, &scaling.view)])?;
        for &overflow in steps {
            if overflow {
                let now: Vec<u32> = lab.gpu.read(&scaling.view)?;
                lab.gpu.write(&scaling.view, &[now[0], now[1], 1, now[3]])?;
            }
            plan.run(lab.gpu)?;
        }
        let mut all = lab.check_words(&scaling, bytemuck::cast_slice(&[expected]))?;
        let given: Vec<f32> = lab.gpu.read(&state.view)?;
        all.push(compare("state.scale", &given[7..8], &[f64::from(expected.scale)], &[0.0]));
        Ok(all)
    })
}

/// Whether a gradient that is not finite is noted, wherever it comes from, and only with `scaled`.
fn note(lab: &Lab, bad: f32, split: bool, scaled: bool) -> Result<Vec<Comparison>> {
    // The first 64 words are a sum of two, the next are there already.
    let (mut parts, mut ready) = (vec![0.5f32; 128], vec![3.0e38f32; 128]);
    if split {
        parts[64 + 37] = bad
    } else {
        ready[64 + 37] = bad
    }
    let partial = lab.floats("partial", &parts)?;
    let table = lab.words("table", &[0, 2, 64, 0, 0, 0, 0, 0])?;
    let gradient = lab.floats("gradient", &ready)?;
    let scaling = lab.words("scaling", bytemuck::cast_slice(&[LossScale::starting(8.0)]))?;
    let views = [&partial.view, &table.view, &gradient.view, &scaling.view];
    lab.run([optimizer::reduce(views, scaled)])?;
    let overflow = u32::from(scaled && !bad.is_finite());
    lab.check_words(&scaling, bytemuck::cast_slice(&[LossScale { overflow, ..LossScale::starting(8.0) }]))
}

/// A step with gradients times the loss scale gives the same bits as one without; one that is left out changes nothing.
fn scaled(lab: &Lab, overflow: bool) -> Result<Vec<Comparison>> {
    let (words, scale) = (192, 4096.0f32);
    let (weight, gradient) = (narrow(&normals(97, words)), narrow(&normals(98, words)));
    let decay = lab.floats("decay", &vec![1e-4; words / 64])?;
    let step = |scale: f32, overflow: u32, scaled: bool| -> Result<[Vec<f32>; 2]> {
        let state = State { scale, lr: 0.1, ..State::default() };
        let state = lab.words("state", bytemuck::cast_slice(&[state]))?;
        let scaling = LossScale { overflow, ..LossScale::starting(scale) };
        let scaling = lab.words("scaling", bytemuck::cast_slice(&[scaling]))?;
        let given: Vec<f32> = gradient.iter().map(|g| g * scale).collect();
        let gradient = lab.floats("gradient", &given)?;
        let (own, buffer) = (lab.floats("weight", &weight)?, lab.floats("buffer", &vec![0.25; words])?);
        let views = [&gradient.view, &decay.view, &state.view, &scaling.view];
        let sgd = Sgd { momentum: 0.9, nesterov: true, scaled };
        lab.run([sgd.step(views, &own.view, &buffer.view)])?;
        Ok([lab.read(&own)?.0, lab.read(&buffer)?.0])
    };
    let got = step(scale, u32::from(overflow), true)?;
    let expected = if overflow { [weight.clone(), vec![0.25; words]] } else { step(1.0, 0, false)? };
    let same = |name: &str, got: &[f32], expected: &[f32]| {
        let expected: Vec<f64> = expected.iter().map(|&v| f64::from(v)).collect();
        compare(name, got, &expected, &vec![0.0; words])
    };
    Ok(vec![same("weight", &got[0], &expected[0]), same("buffer", &got[1], &expected[1])])
}

fn scaling_cases() -> Vec<Case> {
    let scale = |scale: f32, good: u32, skipped: u32| LossScale { scale, good, overflow: 0, skipped };
    let mut cases = vec![
        scale_case(3, &[false; 7], scale(4096.0, 1, 0)),
        scale_case(3, &[false, false, true, false, false], scale(512.0, 2, 1)),
        scale_case(2, &[true; 12], scale(1.0, 0, 12)),
        scale_case(0, &[false, true, true, false], scale(1024.0, 0, 2)),
    ];
    for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -3.0e38] {
        for (split, scaled) in [(true, true), (false, true), (true, false)] {
            let name = format!("{bad:e} among the gradients, in a split {split}, scaled {scaled}");
            cases.push(Case::new(&optimizer::REDUCE, name, move |lab| note(lab, bad, split, scaled)));
        }
    }
    for overflow in [false, true] {
        let name = format!("scaled gradients, left out {overflow}");
        cases.push(Case::new(&optimizer::SGD, name, move |lab| scaled(lab, overflow)));
    }
    cases
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
    let scaling = lab.words("scaling", bytemuck::cast_slice(&[LossScale::ONE]))?;
    lab.run([optimizer::reduce([&partial.view, &table.view, &gradient.view, &scaling.view], false)])?;
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
fn sgd(lab: &Lab, momentum: f32, nesterov: bool, words: usize, extreme: bool) -> Result<Vec<Comparison>> {
    let decay: Vec<f64> =
        (0..words / 64).map(|i| if i % 3 == 2 { 0.0 } else { uniforms(92, words, 1e-4, 0.1)[i] }).collect();
    let rates = uniforms(91, 3, 0.01, 0.5);
    let (mut weight, mut buffer) = (normals(90, words), vec![0.0; words]);
    if extreme {
        make_extreme(&mut weight, 1e-40, 1e4);
    }
    let (mut bound, mut momentum_bound): (Vec<_>, Vec<_>) =
        (weight.iter().map(|&w| Approx::exact(w)).collect(), vec![Approx::exact(0.0); words]);
    let state = lab.words("state", bytemuck::cast_slice(&[State::before(0, 0, 0)]))?;
    let [rates_view, decay_view] = [lab.values("rates", &rates)?, lab.values("decay", &decay)?];
    let gradient_view = lab.poisoned("gradient", words)?;
    let (weight_view, buffer_view) = (lab.values("weight", &weight)?, lab.values("buffer", &buffer)?);
    let scaling = lab.words("scaling", bytemuck::cast_slice(&[LossScale::ONE]))?;
    let advance = optimizer::advance(1, 0, &rates_view.view, &state.view, &scaling.view);
    let views = [&gradient_view, &decay_view, &state, &scaling].map(|t| &t.view);
    let sgd = Sgd { momentum, nesterov, scaled: false };
    let plan = lab.plan([advance, sgd.step(views, &weight_view.view, &buffer_view.view)])?;
    let mut comparisons = Vec::new();
    for (step, &lr) in rates.iter().enumerate() {
        let mut gradient = normals(93 + step as u32, words);
        if extreme {
            make_extreme(&mut gradient, 1e-40, 1e4);
        }
        lab.gpu.write(&gradient_view.view, &narrow(&gradient))?;
        plan.run(lab.gpu)?;
        for (block, &weight_decay) in decay.iter().enumerate() {
            let twin =
                reference::optimizer::Sgd { lr, momentum: f64::from(momentum), weight_decay, nesterov };
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
    let mut cases = scaling_cases();
    cases.push(Case::new(&optimizer::REDUCE, "0, 1, 2, 3 and 16 splits", reduce));
    for (momentum, nesterov, words, extreme) in [
        (0.0, false, 320, false),
        (0.9, false, 320, false),
        (0.9, true, 320, false),
        (0.875, true, 64 * 70, false),
        (0.9, true, 320, true),
    ] {
        let kind = if nesterov { "Nesterov" } else { "plain" };
        let values = if extreme { ", extreme values" } else { "" };
        let name = format!("three steps, momentum {momentum}, {kind}, {words} words{values}");
        let run = move |lab: &Lab| sgd(lab, momentum, nesterov, words, extreme);
        cases.push(Case::new(&optimizer::SGD, name, run));
    }
    cases
}
