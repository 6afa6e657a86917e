//! Dropout and its relatives fused with any activation without randomness: of, a place in the table, with its defaults.

use super::random::{component_derivative, component_value};
use crate::reference::{real::Real, threshold};

/// `place` of dropout: the mask acts on the input.
pub const PLACE_BEFORE: f64 = 0.0;

/// keep/(1 - rate)
fn kept<T: Real>(u: T, rate: f64) -> T {
    let one = T::exact(1.0);
    if u.value() < threshold(rate) { T::exact(0.0) } else { one / (one - T::exact(rate)) }
}

/// Inverted dropout before or after the function.
pub(super) fn dropout<T: Real>(x: T, u: T, p: &[f64]) -> T {
    let m = kept(u, p[1]);
    if p[2] == PLACE_BEFORE { component_value(p[0], m * x) } else { m * component_value(p[0], x) }
}

pub(super) fn dropout_derivative<T: Real>(x: T, u: T, p: &[f64]) -> T {
    let m = kept(u, p[1]);
    m * component_derivative(p[0], if p[2] == PLACE_BEFORE { m * x } else { x })
}

pub(super) fn of_eval<T: Real>(x: T, _: T, p: &[f64]) -> T {
    component_value(p[0], x)
}

pub(super) fn of_eval_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    component_derivative(p[0], x)
}

/// What dropped elements become: selu far on the negative side, -1.0507009873554805*1.6732632423543772.
pub const ALPHA_LIMIT: f64 = -1.7580993408473766;

/// a and b of alpha dropout: a = ((1 - rate)*(1 + rate*limit^2))^(-1/2), b = -a*limit*rate.
pub fn alpha_affine<T: Real>(rate: f64) -> [T; 2] {
    let (one, limit, rate) = (T::exact(1.0), T::constant(ALPHA_LIMIT), T::exact(rate));
    let a = one / ((one - rate) * (one + rate * (limit * limit))).sqrt();
    [a, -(a * limit * rate)]
}

pub(super) fn alpha_dropout<T: Real>(x: T, u: T, p: &[f64]) -> T {
    let [a, b] = alpha_affine::<T>(p[1]);
    let z = component_value(p[0], x);
    // A NaN is not dropped.
    let dropped = u.value() < threshold(p[1]) && !z.value().is_nan();
    a * if dropped { T::constant(ALPHA_LIMIT) } else { z } + b
}

pub(super) fn alpha_dropout_derivative<T: Real>(x: T, u: T, p: &[f64]) -> T {
    if u.value() < threshold(p[1]) {
        return T::exact(0.0);
    }
    alpha_affine::<T>(p[1])[0] * component_derivative(p[0], x)
}

/// 1 + eps*sqrt(rate/(1 - rate))
fn factor<T: Real>(eps: T, rate: f64) -> T {
    let (one, rate) = (T::exact(1.0), T::exact(rate));
    one + (rate / (one - rate)).sqrt() * eps
}

pub(super) fn gaussian_dropout<T: Real>(x: T, eps: T, p: &[f64]) -> T {
    factor(eps, p[1]) * component_value(p[0], x)
}

pub(super) fn gaussian_dropout_derivative<T: Real>(x: T, eps: T, p: &[f64]) -> T {
    factor(eps, p[1]) * component_derivative(p[0], x)
}
