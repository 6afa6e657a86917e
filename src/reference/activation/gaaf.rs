//! Gradient acceleration (Hahn, Choi, arXiv 1806.09783): phi(x) + g(x)*s(x), where g is a saw of height 1/K that adds almost
//! nothing to the value and s(x) to the derivative. The derivative holds floor and round constant and leaves out g*s',
//! which is at most 0.5/K*max|s'|.

use super::elementary::{logistic, logistic_slope, ramp, rectify_slope, stable_tanh, stable_tanh_slope};
use crate::reference::real::Real;

/// `shape`: s as in the paper's figures.
pub const SHAPE_PAPER: f64 = 0.0;
/// `shape`: s as in a published replication.
pub const SHAPE_REPO: f64 = 1.0;
/// `variant`: g = (Kx - floor(Kx) - 0.5)/K, whose slope is 1.
pub const VARIANT_FLOOR: f64 = 0.0;
/// `side`: accelerated everywhere.
pub const SIDE_BOTH: f64 = 0.0;

/// The parameters that the three have in common, the first ones of each row.
fn parts(p: &[f64]) -> (f64, f64, f64, f64, f64) {
    (p[0], p[1], p[2], p[3], p[4])
}

/// scale*g(x) and its slope, 0 where `side` leaves x out.
fn wave<T: Real>(x: T, p: &[f64]) -> [T; 2] {
    let (_, variant, side, scale, frequency) = parts(p);
    let phase = (T::exact(frequency) * x).cycle();
    let (half, one, zero) = (T::exact(0.5), T::exact(1.0), T::exact(0.0));
    let (height, slope) = if variant == VARIANT_FLOOR {
        (phase - half, one)
    } else {
        // |Kx - round(Kx)| falls in the second half of each period; in its middle, and where f32 has no fraction, it has no
        // slope.
        let falling = -(half - phase).above(0.0, zero, one);
        let slope = (half - phase).above(0.0, one, (phase - half).above(0.0, falling, zero));
        (phase.above(0.5, one - phase, phase) - half, slope)
    };
    let scale = T::exact(scale);
    let pair = [scale * height / T::exact(frequency), scale * slope];
    if side == SIDE_BOTH { pair } else { pair.map(|part| x.above(0.0, zero, part)) }
}

/// s of relu: logistic(5x + 2.5), read off the paper's figure; logistic(x + shift); or 1.
fn relu_shape<T: Real>(x: T, p: &[f64]) -> T {
    match p[0] {
        SHAPE_PAPER => logistic(T::exact(5.0) * x + T::exact(2.5)),
        SHAPE_REPO => logistic(x + T::exact(p[5])),
        _ => T::exact(1.0),
    }
}

/// s of tanh: exp(-x^2/4), read off the paper's figure; exp(-x^2/3); or 1.
fn tanh_shape<T: Real>(x: T, p: &[f64]) -> T {
    match p[0] {
        SHAPE_PAPER => (T::exact(-0.25) * (x * x)).exp(),
        SHAPE_REPO => (T::constant(-1.0 / 3.0) * (x * x)).exp(),
        _ => T::exact(1.0),
    }
}

pub(super) fn gaaf_relu<T: Real>(x: T, _: T, p: &[f64]) -> T {
    ramp(x) + wave(x, p)[0] * relu_shape(x, p)
}

pub(super) fn gaaf_relu_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    rectify_slope(x, T::exact(0.0)) + wave(x, p)[1] * relu_shape(x, p)
}

pub(super) fn gaaf_tanh<T: Real>(x: T, _: T, p: &[f64]) -> T {
    stable_tanh(x) + wave(x, p)[0] * tanh_shape(x, p)
}

pub(super) fn gaaf_tanh_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    stable_tanh_slope(x) + wave(x, p)[1] * tanh_shape(x, p)
}

/// s of the logistic function is that of tanh at x/2, since logistic(x) = (1 + tanh(x/2))/2: neither source gives one.
pub(super) fn gaaf_sigmoid<T: Real>(x: T, _: T, p: &[f64]) -> T {
    logistic(x) + wave(x, p)[0] * tanh_shape(T::exact(0.5) * x, p)
}

pub(super) fn gaaf_sigmoid_derivative<T: Real>(x: T, _: T, p: &[f64]) -> T {
    logistic_slope(x) + wave(x, p)[1] * tanh_shape(T::exact(0.5) * x, p)
}
