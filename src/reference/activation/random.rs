//! Activations that draw random numbers: a pair of functions for training and one for evaluation, which is the mean.

use super::elementary::{logistic, logistic_slope, normal_cdf, normal_pdf, ramp, rectify, rectify_slope};
use super::{ACTIVATIONS, Activation};
use crate::reference::{real::Real, threshold};

/// DropActivation (Liang, Khoo, Yang, arXiv 1811.05850): with probability `retain` the nonlinearity stays, m = 1, else
/// the element passes unchanged: y = m*relu(x) + (1-m)*x. The slope on the negative side is 1-m.
pub(super) fn dropact<T: Real>(x: T, u: T, p: &[f64]) -> T {
    if u.value() < threshold(p[0]) { ramp(x) } else { x }
}

pub(super) fn dropact_derivative<T: Real>(x: T, u: T, p: &[f64]) -> T {
    let slope = if u.value() < threshold(p[0]) { 0.0 } else { 1.0 };
    rectify_slope(x, T::exact(slope))
}

pub(super) fn dropact_eval<T: Real>(x: T, _: T, p: &[f64]) -> T {
    rectify(x, T::exact(1.0) - T::exact(p[0]))
}

pub(super) fn dropact_eval_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    rectify_slope(x, T::exact(1.0) - T::exact(p[0]))
}

/// The row at a place of the table, with its defaults: what `mix` and the dropouts are made of.
fn component(place: f64) -> &'static Activation {
    &ACTIVATIONS[place as usize]
}

pub(super) fn component_value<T: Real>(place: f64, x: T) -> T {
    let row = component(place);
    T::of(row.both()[0])(x, T::exact(0.0), &row.defaults())
}

pub(super) fn component_derivative<T: Real>(place: f64, x: T) -> T {
    let row = component(place);
    T::of(row.both()[1])(x, T::exact(0.0), &row.defaults())
}

/// m*phi1(x) + (1-m)*phi2(x), m = 1 with probability `retain`: DropActivation for any two functions (Bernoulli choice
/// between SiLU and ReLU: arXiv 2509.22358).
pub(super) fn mix<T: Real>(x: T, u: T, p: &[f64]) -> T {
    component_value(if u.value() < threshold(p[2]) { p[0] } else { p[1] }, x)
}

pub(super) fn mix_derivative<T: Real>(x: T, u: T, p: &[f64]) -> T {
    component_derivative(if u.value() < threshold(p[2]) { p[0] } else { p[1] }, x)
}

fn mean<T: Real>(first: T, second: T, retain: f64) -> T {
    T::exact(retain) * first + (T::exact(1.0) - T::exact(retain)) * second
}

pub(super) fn mix_eval<T: Real>(x: T, _: T, p: &[f64]) -> T {
    mean(component_value(p[0], x), component_value(p[1], x), p[2])
}

pub(super) fn mix_eval_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    mean(component_derivative(p[0], x), component_derivative(p[1], x), p[2])
}

/// RReLU's `mode` as in PyTorch: slope uniform in [lower, upper), evaluated with its mean.
pub const RRELU_TORCH: f64 = 0.0;
/// RReLU's `mode` as in the paper's text (Xu, Wang, Chen, Li, arXiv 1505.00853): y = x/a with a uniform in
/// [1/upper, 1/lower), evaluated with the mean of a.
pub const RRELU_PAPER: f64 = 1.0;
/// RReLU's `mode` of a published replication: trained as in PyTorch, evaluated as in the paper.
pub const RRELU_SEED: f64 = 2.0;

/// low*(1-u) + high*u
fn between<T: Real>(low: T, high: T, u: T) -> T {
    low * (T::exact(1.0) - u) + high * u
}

fn rrelu_slope<T: Real>(u: T, p: &[f64]) -> T {
    let (lower, upper, one) = (T::exact(p[0]), T::exact(p[1]), T::exact(1.0));
    if p[2] == RRELU_PAPER { one / between(one / upper, one / lower, u) } else { between(lower, upper, u) }
}

fn rrelu_eval_slope<T: Real>(p: &[f64]) -> T {
    let (lower, upper, one) = (T::exact(p[0]), T::exact(p[1]), T::exact(1.0));
    if p[2] == RRELU_TORCH {
        T::exact(0.5) * (lower + upper)
    } else {
        T::exact(2.0) / (one / lower + one / upper)
    }
}

pub(super) fn rrelu<T: Real>(x: T, u: T, p: &[f64]) -> T {
    rectify(x, rrelu_slope(u, p))
}

pub(super) fn rrelu_derivative<T: Real>(x: T, u: T, p: &[f64]) -> T {
    rectify_slope(x, rrelu_slope(u, p))
}

pub(super) fn rrelu_eval<T: Real>(x: T, _: T, p: &[f64]) -> T {
    rectify(x, rrelu_eval_slope(p))
}

pub(super) fn rrelu_eval_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    rectify_slope(x, rrelu_eval_slope(p))
}

/// ProbAct with a fixed sigma (Shridhar et al., arXiv 1905.10761): relu(x) + sigma*eps, eps ~ N(0, 1).
pub(super) fn probact<T: Real>(x: T, eps: T, p: &[f64]) -> T {
    ramp(x) + T::exact(p[0]) * eps
}

pub(super) fn probact_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    rectify_slope(x, T::exact(0.0))
}

pub(super) fn probact_eval<T: Real>(x: T, _: T, _: &[f64]) -> T {
    ramp(x)
}

/// ProbAct with a learned a (Shridhar et al., arXiv 1905.10761): sigma = bound * logistic(steepness * a).
pub(super) fn probact_learned<T: Real>(x: T, eps: T, p: &[f64]) -> T {
    ramp(x) + T::exact(p[1]) * logistic(T::exact(p[2]) * T::exact(p[0])) * eps
}

/// Its derivative with respect to a.
pub(super) fn probact_learned_gradient<T: Real>(_: T, eps: T, p: &[f64]) -> T {
    T::exact(p[1]) * T::exact(p[2]) * logistic_slope(T::exact(p[2]) * T::exact(p[0])) * eps
}

/// The noise's standard deviation, sqrt(logistic(x)), and its derivative.
fn noisy_relu_sigma<T: Real>(x: T) -> [T; 2] {
    let sigma = logistic(x).sqrt();
    [sigma, T::exact(0.5) * sigma * logistic(-x)]
}

/// Noisy ReLU (Nair, Hinton 2010): max(0, x + eps*sqrt(logistic(x))).
pub(super) fn noisy_relu<T: Real>(x: T, eps: T, _: &[f64]) -> T {
    ramp(x + eps * noisy_relu_sigma(x)[0])
}

pub(super) fn noisy_relu_derivative<T: Real>(x: T, eps: T, _: &[f64]) -> T {
    let [sigma, slope] = noisy_relu_sigma(x);
    (x + eps * sigma).above(0.0, T::exact(1.0) + eps * slope, T::exact(0.0))
}

/// x/sigma, at least -30: the normal's share beyond is below 2^-149.
fn noisy_relu_ratio<T: Real>(x: T, sigma: T) -> T {
    let ratio = x / sigma.above(1e-15, sigma, T::constant(1e-15));
    ratio.above(-30.0, ratio, T::exact(-30.0))
}

/// The mean, x*Phi(x/sigma) + sigma*phi(x/sigma).
pub(super) fn noisy_relu_eval<T: Real>(x: T, _: T, _: &[f64]) -> T {
    let [sigma, _] = noisy_relu_sigma(x);
    let ratio = noisy_relu_ratio(x, sigma);
    x * normal_cdf(ratio) + sigma * normal_pdf(ratio)
}

pub(super) fn noisy_relu_eval_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    let [sigma, slope] = noisy_relu_sigma(x);
    let ratio = noisy_relu_ratio(x, sigma);
    normal_cdf(ratio) + normal_pdf(ratio) * slope
}
