//! Update rules over several steps, the gradient's norm, the moving average.

use crate::Result;
use crate::kernels::optimizer::{
    self, Adam, AdamForm, Clip, GradientNorm, LossScale, Rates, RmsProp, Rule, Sgd, State, Treatment,
};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare};
use crate::measure::check::lab::{Lab, Tensor, errors, make_extreme, narrow, normals, uniforms};
use crate::measure::check::tolerance::{Approx, gamma};
use crate::reference::optimizer as twin;

/// Steps of a case: enough for every buffer to hold more than one gradient.
const STEPS: usize = 4;

/// A weight with what the rule keeps of it, in f64 and with the errors of its f32 computation.
struct Twin {
    weight: Vec<f64>,
    slots: [Vec<f64>; 2],
    bound: Vec<Approx>,
    slot_bounds: [Vec<Approx>; 2],
}

/// What a step of the twin takes.
struct Step<'a> {
    t: u32,
    lr: f64,
    gradient: &'a [f64],
    /// Weight decay, L1 and factor on the learning rate of each block, and 0.
    penalties: &'a [[f64; 4]],
    treatment: Treatment,
    factor: f64,
}

impl Twin {
    fn new(weight: Vec<f64>) -> Self {
        let zeros = || vec![0.0; weight.len()];
        let none = || vec![Approx::exact(0.0); weight.len()];
        let bound = weight.iter().map(|&w| Approx::exact(w)).collect();
        Self { slots: [zeros(), zeros()], slot_bounds: [none(), none()], bound, weight }
    }

    /// The gradient with penalties, and how far decoupled decay shrinks the weight.
    fn treated(&self, i: usize, step: &Step) -> ([f64; 2], [Approx; 2]) {
        let [decay, l1, factor, _] = step.penalties[i / 64];
        let (w, mut g) = (self.weight[i], step.gradient[i]);
        let mut bound = Approx::exact(g);
        match step.treatment.clip {
            Clip::None => {}
            Clip::Norm(_) => {
                g *= step.factor;
                bound = bound * Approx::exact(step.factor);
            }
            Clip::Value(most) => {
                g = g.clamp(-f64::from(most), f64::from(most));
                bound = Approx::exact(g);
            }
        }
        let mut shrinks = (1.0, Approx::exact(1.0));
        if step.treatment.decoupled {
            shrinks.0 -= step.lr * factor * decay;
            shrinks.1 = shrinks.1 - Approx::exact(step.lr) * Approx::exact(factor) * Approx::exact(decay);
        } else {
            g += decay * w;
            bound = Approx::exact(decay) * self.bound[i] + bound;
        }
        if step.treatment.l1 {
            g += l1 * w.signum();
            bound = bound + Approx::exact(l1 * w.signum());
        }
        ([g, shrinks.0], [bound, shrinks.1])
    }

    fn step(&mut self, rule: Rule, step: &Step) {
        for i in 0..self.weight.len() {
            let ([g, shrinks], bounds) = self.treated(i, step);
            self.weight[i] *= shrinks;
            let [a, b] = &mut self.slots;
            let (w, a, b) = (&mut self.weight[i..=i], &mut a[i..=i], &mut b[i..=i]);
            let lr = step.lr * step.penalties[i / 64][2];
            match rule {
                Rule::Sgd(Sgd { momentum, nesterov }) => {
                    let sgd = twin::Sgd { lr, momentum, weight_decay: 0.0, nesterov };
                    sgd.step(w, a, &[g]);
                }
                Rule::Adam(Adam { beta1, beta2, eps, form }) => {
                    let form = match form {
                        AdamForm::Corrected => twin::AdamForm::Corrected,
                        AdamForm::EpsilonHat => twin::AdamForm::EpsilonHat,
                        AdamForm::Nadam { psi } => twin::AdamForm::Nadam { psi },
                    };
                    twin::Adam { lr, beta1, beta2, eps, form }.step(step.t, w, a, b, &[g]);
                }
                Rule::RmsProp(RmsProp { rho, eps, momentum }) => {
                    twin::RmsProp { lr, rho, eps, momentum }.step(w, a, b, &[g]);
                }
            }
            self.bounds(rule, i, step, bounds);
        }
    }

    /// The shaders' own formulas, with the errors of each operation.
    fn bounds(&mut self, rule: Rule, i: usize, step: &Step, [g, shrinks]: [Approx; 2]) {
        let round = Approx::rounded;
        let [a, b] = [0, 1].map(|slot| self.slot_bounds[slot][i]);
        let (a, b, update) = match rule {
            Rule::Sgd(Sgd { momentum, nesterov }) => {
                let m = round(momentum) * a + g;
                (m, b, if nesterov { round(momentum) * m + g } else { m })
            }
            Rule::Adam(Adam { beta1, beta2, eps, .. }) => {
                let [first, direct, second] = factors(rule, step.t).map(round);
                let m = round(beta1) * a + round(1.0 - beta1) * g;
                let v = round(beta2) * b + round(1.0 - beta2) * (g * g);
                (m, v, (first * m + direct * g) / ((second * v).sqrt() + round(eps)))
            }
            Rule::RmsProp(RmsProp { rho, eps, momentum }) => {
                let v = round(rho) * a + round(1.0 - rho) * (g * g);
                let m = round(momentum) * b + g / (v.sqrt() + round(eps));
                (v, m, m)
            }
        };
        self.slot_bounds[0][i] = a;
        self.slot_bounds[1][i] = b;
        let w = if step.treatment.decoupled { self.bound[i] * shrinks } else { self.bound[i] };
        let lr = Approx::exact(step.lr) * Approx::exact(step.penalties[i / 64][2]);
        self.bound[i] = w - lr * update;
    }
}

/// A step's factors, as the host gives them to the device.
fn factors(rule: Rule, t: u32) -> [f64; 3] {
    rule.factors(u64::from(t)).next().map_or([0.0; 3], |factors| factors.map(f64::from))
}

/// Steps with a new gradient and learning rate each, against the twin; penalties and the factor on the rate differ from block to
/// block. The weights stay
/// away from 0, where L1 has its kink.
fn steps(
    lab: &Lab,
    rule: Rule,
    treatment: Treatment,
    words: usize,
    extreme: bool,
) -> Result<Vec<Comparison>> {
    let decays = uniforms(92, words / 64, 1e-4, 0.1);
    let factors = [1.0, 1.0, 1.0, 0.0, 1.75];
    let block = |(i, &d): (usize, &f64)| {
        let [decay, l1] = if i % 3 == 2 { [0.0; 2] } else { [d, 0.125 * d] };
        [decay, l1, factors[i % factors.len()], 0.0]
    };
    let penalties: Vec<[f64; 4]> = decays.iter().enumerate().map(block).collect();
    let lr = uniforms(91, STEPS, 1e-4, 1e-2);
    let away = |w: f64| f64::from((w + 8.0 * w.signum()) as f32);
    let mut first: Vec<f64> = normals(90, words).into_iter().map(away).collect();
    if extreme {
        make_extreme(&mut first, 1e-40, 1e4);
    }
    let mut own = Twin::new(first);
    let rates: Vec<Rates> = lr
        .iter()
        .zip(rule.factors(1))
        .map(|(&lr, factors)| Rates { factors, ..Rates::from(lr as f32) })
        .collect();
    let factor = 0.7f32;
    let start = State { factor, ..State::before(0, 0, 0) };
    let state = lab.words("state", bytemuck::cast_slice(&[start]))?;
    let rates = lab.floats("rates", bytemuck::cast_slice(&rates))?;
    let decay = lab.values("decay", &penalties.concat())?;
    let scaling = lab.words("scaling", bytemuck::cast_slice(&[LossScale::ONE]))?;
    let gradient = lab.poisoned("gradient", words)?;
    let weight = lab.values("weight", &own.weight)?;
    let slots: Vec<Tensor> =
        rule.slots().iter().map(|name| lab.values(name, &vec![0.0; words])).collect::<Result<_>>()?;
    let advance = optimizer::advance(1, 0, &rates.view, &state.view, &scaling.view);
    let views = [&gradient, &decay, &state, &scaling].map(|t| &t.view);
    let slot_views: Vec<_> = slots.iter().map(|slot| &slot.view).collect();
    let plan = lab.plan([advance, rule.step(treatment, views, &weight.view, &slot_views)])?;
    let mut comparisons = Vec::new();
    for (index, &lr) in lr.iter().enumerate() {
        let mut g = normals(93 + index as u32, words);
        if extreme {
            make_extreme(&mut g, 1e-40, 1e4);
        }
        lab.gpu.write(&gradient.view, &narrow(&g))?;
        plan.run(lab.gpu)?;
        let (t, factor) = (index as u32 + 1, f64::from(factor));
        own.step(rule, &Step { t, lr, gradient: &g, penalties: &penalties, treatment, factor });
        for (slot, tensor) in slots.iter().enumerate() {
            comparisons.extend(lab.check(tensor, &own.slots[slot], &errors(&own.slot_bounds[slot]))?);
        }
        comparisons.extend(lab.check(&weight, &own.weight, &errors(&own.bound))?);
    }
    Ok(comparisons)
}

/// Norm and factor of a gradient with a loss scale, below and above `most`.
fn clip(lab: &Lab, words: usize, scale: f32, most: f32) -> Result<Vec<Comparison>> {
    let g = normals(95, words);
    let stored: Vec<f32> = narrow(&g).iter().map(|g| g * scale).collect();
    let gradient = lab.floats("gradient", &stored)?;
    let state = lab.words("state", bytemuck::cast_slice(&[State { scale, ..State::default() }]))?;
    let norm = GradientNorm::new(lab.gpu, words)?;
    lab.run(norm.dispatches(&gradient.view, &state.view, most))?;
    let (factor, expected) = twin::clip_factor(&g, f64::from(most));
    // The longest chain of additions: a lane's own, two runs and the components, then the same over 256 sums at most.
    let chain = words.div_ceil(4 * 64 * 256) + 8 + 8 + 2 + 4 + 8 + 8;
    let square = expected * expected;
    let bound = Approx { value: square, error: gamma(chain + 1) * square }.sqrt();
    let factor_bound = if f64::from(most) > expected {
        Approx::exact(1.0)
    } else {
        Approx::exact(f64::from(most)) / (bound + Approx::rounded(1e-6))
    };
    let got: State = bytemuck::cast_slice(&lab.read(&state)?.0)[0];
    Ok(vec![
        compare("state.norm", &[got.norm], &[expected], &[bound.error]),
        compare("state.factor", &[got.factor], &[factor], &[factor_bound.error]),
    ])
}

/// The average over some steps late in a run or at its beginning, where less of it stays.
fn average(lab: &Lab, first: u32, decay: f64) -> Result<Vec<Comparison>> {
    let words = 320;
    let (weight, mut own) = (normals(96, words), normals(97, words));
    let mut bound: Vec<Approx> = own.iter().map(|&a| Approx::exact(a)).collect();
    let view = lab.values("weight", &weight)?;
    let tensor = lab.values("average", &own)?;
    let mut comparisons = Vec::new();
    for step in first..first + 3 {
        let state = lab.state(step)?;
        lab.run([optimizer::average(decay, &view.view, &state.view, &tensor.view)])?;
        twin::average(decay, step, &weight, &mut own);
        let early = Approx::exact(9.0) / (Approx::exact(10.0) + Approx::exact(f64::from(step)));
        let fixed = Approx::rounded(1.0 - decay);
        let rest = if early.value > fixed.value { early } else { fixed };
        for (bound, &w) in bound.iter_mut().zip(&weight) {
            *bound = *bound + rest * (Approx::exact(w) - *bound);
        }
        comparisons.extend(lab.check(&tensor, &own, &errors(&bound))?);
    }
    Ok(comparisons)
}

fn swap(lab: &Lab) -> Result<Vec<Comparison>> {
    let words = 64 * 71;
    let [a, b] = [98, 99].map(|part| narrow(&normals(part, words)));
    let (left, right) = (lab.floats("a", &a)?, lab.floats("b", &b)?);
    lab.run([optimizer::swap(&left.view, &right.view)])?;
    let mut all = lab.check_words(&left, bytemuck::cast_slice(&b))?;
    all.extend(lab.check_words(&right, bytemuck::cast_slice(&a))?);
    Ok(all)
}

fn mask(lab: &Lab) -> Result<Vec<Comparison>> {
    let words = 64 * 71;
    let mut weight = normals(104, words);
    let mask: Vec<f64> = uniforms(105, words, 0.0, 1.0).into_iter().map(|u| (u * 2.0).floor()).collect();
    let (mask_view, weight_view) = (lab.values("mask", &mask)?, lab.values("weight", &weight)?);
    lab.run([optimizer::mask(&mask_view.view, &weight_view.view)])?;
    twin::mask(&mask, &mut weight);
    lab.check(&weight_view, &weight, &vec![0.0; words])
}

/// Every rule with every treatment that changes it.
fn rules() -> Vec<Rule> {
    let adam = |form| Rule::Adam(Adam { beta1: 0.9, beta2: 0.999, eps: 1e-7, form });
    vec![
        Rule::Sgd(Sgd { momentum: 0.0, nesterov: false }),
        Rule::Sgd(Sgd { momentum: 0.9, nesterov: false }),
        Rule::Sgd(Sgd { momentum: 0.9, nesterov: true }),
        adam(AdamForm::Corrected),
        adam(AdamForm::EpsilonHat),
        adam(AdamForm::Nadam { psi: 0.004 }),
        adam(AdamForm::Nadam { psi: 1.0 }),
        Rule::RmsProp(RmsProp { rho: 0.99, eps: 1e-8, momentum: 0.0 }),
        Rule::RmsProp(RmsProp { rho: 0.9, eps: 1e-7, momentum: 0.9 }),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let plain = Treatment::default();
    let treatments = [
        ("coupled decay", plain),
        ("decoupled decay", Treatment { decoupled: true, ..plain }),
        ("L1", Treatment { l1: true, ..plain }),
        ("clipped by norm", Treatment { clip: Clip::Norm(1.0), ..plain }),
        ("clipped by value, L1", Treatment { clip: Clip::Value(0.5), l1: true, ..plain }),
    ];
    let mut cases = Vec::new();
    for rule in rules() {
        let kernel = match rule {
            Rule::Sgd(_) => &optimizer::SGD,
            Rule::Adam(_) => &optimizer::ADAM,
            Rule::RmsProp(_) => &optimizer::RMSPROP,
        };
        for (index, (what, treatment)) in treatments.into_iter().enumerate() {
            let words = if index == 0 { 64 * 70 } else { 320 };
            let name = format!("{STEPS} steps, {rule:?}, {what}, {words} words");
            cases.push(Case::new(kernel, name, move |lab| steps(lab, rule, treatment, words, false)));
        }
        let name = format!("{STEPS} steps, {rule:?}, extreme values");
        cases.push(Case::new(kernel, name, move |lab| steps(lab, rule, plain, 320, true)));
    }
    for (words, scale, most) in [(64, 1.0, 5.0), (64 * 37, 1.0, 1e6), (300_032, 4096.0, 0.5)] {
        for kernel in [&optimizer::SQUARE_SUM, &optimizer::CLIP] {
            let name = format!("{words} words, scale {scale}, most {most}");
            cases.push(Case::new(kernel, name, move |lab| clip(lab, words, scale, most)));
        }
    }
    for (first, decay) in [(0, 0.999), (100_000, 0.999), (80, 0.9)] {
        let name = format!("from step {first}, decay {decay}");
        cases.push(Case::new(&optimizer::AVERAGE, name, move |lab| average(lab, first, decay)));
    }
    cases.push(Case::new(&optimizer::MASK, "4544 words", mask));
    cases.push(Case::new(&optimizer::SWAP, "4544 words", swap));
    cases
}
