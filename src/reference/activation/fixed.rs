//! Activations without randomness: a pair of functions each, value and derivative. x = 0 belongs to the negative side.

use super::elementary::{
    logistic, logistic_slope, normal_cdf, normal_pdf, ramp, rectify, rectify_slope, stable_tanh,
    stable_tanh_slope,
};
use crate::reference::real::Real;

pub(super) fn identity<T: Real>(x: T, _: T, _: &[f64]) -> T {
    x
}

pub(super) fn identity_derivative<T: Real>(_: T, _: T, _: &[f64]) -> T {
    T::exact(1.0)
}

pub(super) fn scale<T: Real>(x: T, _: T, p: &[f64]) -> T {
    T::exact(p[0]) * x
}

pub(super) fn scale_derivative<T: Real>(_: T, _: T, p: &[f64]) -> T {
    T::exact(p[0])
}

pub(super) fn relu<T: Real>(x: T, _: T, _: &[f64]) -> T {
    ramp(x)
}

pub(super) fn relu_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    rectify_slope(x, T::exact(0.0))
}

pub(super) fn leaky_relu<T: Real>(x: T, _: T, p: &[f64]) -> T {
    rectify(x, T::exact(p[0]))
}

pub(super) fn leaky_relu_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    rectify_slope(x, T::exact(p[0]))
}

/// PReLU's derivative with respect to its slope (He et al., arXiv 1502.01852).
pub(super) fn prelu_learned<T: Real>(x: T, _: T, _: &[f64]) -> T {
    x.above(0.0, T::exact(0.0), x)
}

/// Clevert, Unterthiner, Hochreiter, arXiv 1511.07289.
pub(super) fn elu<T: Real>(x: T, _: T, p: &[f64]) -> T {
    x.above(0.0, x, T::exact(p[0]) * x.expm1())
}

pub(super) fn elu_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    x.above(0.0, T::exact(1.0), T::exact(p[0]) * x.exp())
}

/// Klambauer, Unterthiner, Mayr, Hochreiter, arXiv 1706.02515: elu's alpha and the factor on all of it.
pub const SELU: [f64; 2] = [1.6732632423543772, 1.0507009873554805];

pub(super) fn selu<T: Real>(x: T, _: T, _: &[f64]) -> T {
    let [alpha, scale] = SELU;
    x.above(0.0, T::constant(scale) * x, T::constant(scale * alpha) * x.expm1())
}

pub(super) fn selu_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    let [alpha, scale] = SELU;
    x.above(0.0, T::constant(scale), T::constant(scale * alpha) * x.exp())
}

/// Barron, arXiv 1704.07483: an elu whose slope is continuous for every alpha.
pub(super) fn celu<T: Real>(x: T, _: T, p: &[f64]) -> T {
    let alpha = T::exact(p[0]);
    x.above(0.0, x, alpha * (x / alpha).expm1())
}

pub(super) fn celu_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    x.above(0.0, T::exact(1.0), (x / T::exact(p[0])).exp())
}

/// GELU's `form` by the normal distribution function.
pub const GELU_ERF: f64 = 0.0;
/// GELU's `form` by a tanh near it.
pub const GELU_TANH: f64 = 1.0;

/// y = sqrt(2/pi)*(x + 0.044715 x^3) with its derivative, x within 100 on both sides: beyond, the logistic function of
/// 2y is 0 or 1.
fn gelu_inner<T: Real>(x: T) -> [T; 2] {
    let scale = T::constant((2.0 / std::f64::consts::PI).sqrt());
    let low = T::exact(-100.0);
    let x = x.above(-100.0, x.above(100.0, T::exact(100.0), x), low);
    let square = x * x;
    let one = T::exact(1.0);
    let (cubic, slope) = (T::constant(0.044715), T::constant(0.134145));
    [scale * x * (one + cubic * square), scale * (one + slope * square)]
}

/// Hendrycks, Gimpel, arXiv 1606.08415: x*Phi(x), or 0.5x(1 + tanh(y)) = x*logistic(2y).
pub(super) fn gelu<T: Real>(x: T, _: T, p: &[f64]) -> T {
    if p[0] == GELU_ERF { x * normal_cdf(x) } else { x * logistic(T::exact(2.0) * gelu_inner(x)[0]) }
}

pub(super) fn gelu_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    if p[0] == GELU_ERF {
        return normal_cdf(x) + x * normal_pdf(x);
    }
    let [y, slope] = gelu_inner(x).map(|v| T::exact(2.0) * v);
    logistic(y) + x * (logistic_slope(y) * slope)
}

/// Elfwing, Uchibe, Doya, arXiv 1702.03118.
pub(super) fn silu<T: Real>(x: T, _: T, _: &[f64]) -> T {
    x * logistic(x)
}

pub(super) fn silu_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    logistic(x) + x * logistic_slope(x)
}

/// tanh(softplus(x)) and 1 minus its square. With e = exp(-|x|): (1+2e)/(1+2e+2e^2) for x > 0, e(e+2)/(e(e+2)+2) below.
fn mish_gate<T: Real>(x: T) -> [T; 2] {
    let e = (-x.abs()).exp();
    let (one, two, four) = (T::exact(1.0), T::exact(2.0), T::exact(4.0));
    let n = x.above(0.0, one + two * e, e * (e + two));
    let rest = x.above(0.0, e * e, one);
    let d = n + two * rest;
    [n / d, four * rest * (n + rest) / (d * d)]
}

/// Misra, arXiv 1908.08681.
pub(super) fn mish<T: Real>(x: T, _: T, _: &[f64]) -> T {
    x * mish_gate(x)[0]
}

pub(super) fn mish_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    let [gate, slope] = mish_gate(x);
    gate + x * (logistic(x) * slope)
}

/// ln(1 + e^(beta x))/beta.
pub(super) fn softplus<T: Real>(x: T, _: T, p: &[f64]) -> T {
    let beta = T::exact(p[0]);
    ramp(x) + (-(beta * x).abs()).exp().log1p() / beta
}

pub(super) fn softplus_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    logistic(T::exact(p[0]) * x)
}

pub(super) fn tanh<T: Real>(x: T, _: T, _: &[f64]) -> T {
    stable_tanh(x)
}

pub(super) fn tanh_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    stable_tanh_slope(x)
}

pub(super) fn sigmoid<T: Real>(x: T, _: T, _: &[f64]) -> T {
    logistic(x)
}

pub(super) fn sigmoid_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    logistic_slope(x)
}

/// Howard et al., arXiv 1905.02244: x*min(max(x + 3, 0), 6)/6.
pub(super) fn hard_swish<T: Real>(x: T, _: T, _: &[f64]) -> T {
    let middle = x * (x + T::exact(3.0)) * T::constant(1.0 / 6.0);
    x.above(-3.0, x.above(3.0, x, middle), T::exact(0.0))
}

pub(super) fn hard_swish_derivative<T: Real>(x: T, _: T, _: &[f64]) -> T {
    let middle = x * T::constant(1.0 / 3.0) + T::exact(0.5);
    x.above(-3.0, x.above(3.0, T::exact(1.0), middle), T::exact(0.0))
}
