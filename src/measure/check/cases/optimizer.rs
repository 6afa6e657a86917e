//! The step's state, the loss scale, the sum of the partial gradients.

use crate::Result;
use crate::kernels::optimizer::{self, LossScale, Rates, Rule, Sgd, State, Treatment};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare, untouched};
use crate::measure::check::lab::{Lab, narrow, normals};
use crate::measure::check::tolerance::sum_of_products;

pub(super) fn advance_cases() -> Vec<Case> {
    vec![Case::new(&optimizer::ADVANCE, "three steps", |lab| {
        let row =
            |lr: f32| Rates { factors: [2.0 * lr, 3.0 * lr, 4.0 * lr], share: 1.0 - lr, ..Rates::from(lr) };
        let rates = [0.5f32, 0.25, 0.125, 0.0625, 0.1].map(row);
        let rates_view = lab.floats("rates", bytemuck::cast_slice(&rates))?;
        let state = lab.words("state", bytemuck::cast_slice(&[State::before(40, 2, 1000).in_epoch(7)]))?;
        let scaling = lab.words("scaling", bytemuck::cast_slice(&[LossScale::ONE]))?;
        let plan = lab.plan([optimizer::advance(128, 0, &rates_view.view, &state.view, &scaling.view)])?;
        let mut comparisons = Vec::new();
        for k in 0..3u32 {
            plan.run(lab.gpu)?;
            let expected = State {
                step: 40 + k,
                record: 2 + k,
                cursor: 1000 + 128 * k,
                lr: rates[2 + k as usize].lr,
                first: rates[2 + k as usize].factors[0],
                direct: rates[2 + k as usize].factors[1],
                second: rates[2 + k as usize].factors[2],
                epoch: 7,
                share: rates[2 + k as usize].share,
                next_step: 41 + k,
                next_record: 3 + k,
                next_cursor: 1128 + 128 * k,
                ..State::default()
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
        let rates = lab.floats("rates", &vec![0.5; 8 * steps.len()])?;
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
    let decay = lab.floats("decay", &[1e-4, 1e-4, 1.0, 0.0].repeat(words / 64))?;
    let step = |scale: f32, overflow: u32, scaled: bool| -> Result<[Vec<f32>; 2]> {
        let state = State { scale, lr: 0.1, ..State::default() };
        let state = lab.words("state", bytemuck::cast_slice(&[state]))?;
        let scaling = LossScale { overflow, ..LossScale::starting(scale) };
        let scaling = lab.words("scaling", bytemuck::cast_slice(&[scaling]))?;
        let given: Vec<f32> = gradient.iter().map(|g| g * scale).collect();
        let gradient = lab.floats("gradient", &given)?;
        let (own, buffer) = (lab.floats("weight", &weight)?, lab.floats("buffer", &vec![0.25; words])?);
        let views = [&gradient.view, &decay.view, &state.view, &scaling.view];
        let sgd = Rule::Sgd(Sgd { momentum: 0.9, nesterov: true });
        let treatment = Treatment { scaled, ..Treatment::default() };
        lab.run([sgd.step(treatment, views, &own.view, &[&buffer.view])])?;
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

pub(super) fn cases() -> Vec<Case> {
    let mut cases = scaling_cases();
    cases.push(Case::new(&optimizer::REDUCE, "0, 1, 2, 3 and 16 splits", reduce));
    cases
}
