//! What several activations are made of.

use crate::reference::real::Real;

/// x above 0, and `slope` times it from 0 on down.
pub(super) fn rectify<T: Real>(x: T, slope: T) -> T {
    x.above(0.0, x, slope * x)
}

/// Its derivative.
pub(super) fn rectify_slope<T: Real>(x: T, slope: T) -> T {
    x.above(0.0, T::exact(1.0), slope)
}

/// max(x, 0).
pub(super) fn ramp<T: Real>(x: T) -> T {
    x.above(0.0, x, T::exact(0.0))
}

/// 1/(1 + e^-x).
pub(super) fn logistic<T: Real>(x: T) -> T {
    let e = (-x.abs()).exp();
    x.above(0.0, T::exact(1.0), e) / (T::exact(1.0) + e)
}

/// Its derivative, logistic(x)*logistic(-x).
pub(super) fn logistic_slope<T: Real>(x: T) -> T {
    let e = (-x.abs()).exp();
    let sum = T::exact(1.0) + e;
    e / (sum * sum)
}

/// tanh(x).
pub(super) fn stable_tanh<T: Real>(x: T) -> T {
    let m = (T::exact(-2.0) * x.abs()).expm1();
    let y = -m / (T::exact(2.0) + m);
    x.above(0.0, y, -y)
}

/// 1 - tanh(x)^2.
pub(super) fn stable_tanh_slope<T: Real>(x: T) -> T {
    let e = (T::exact(-2.0) * x.abs()).exp();
    let sum = T::exact(1.0) + e;
    T::exact(4.0) * e / (sum * sum)
}

/// The standard normal's cumulative distribution function.
pub(super) fn normal_cdf<T: Real>(x: T) -> T {
    T::exact(0.5) * (T::constant(-std::f64::consts::FRAC_1_SQRT_2) * x).erfc()
}

/// The standard normal's density.
pub(super) fn normal_pdf<T: Real>(x: T) -> T {
    T::constant((0.5 / std::f64::consts::PI).sqrt()) * (T::exact(-0.5) * x * x).exp()
}
