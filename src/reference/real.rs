//! The numbers that the twins of elementwise functions compute with: written once for any of them, a function gives the
//! exact value in f64, and in [`Approx`] also how far the shader's f32 arithmetic, operation by operation, may be off.
//!
//! The functions here have the names and, for [`Approx`], the formulas of `shaders/lib/elementary.wgsl`.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::tolerance::{Approx, ULP};

/// A number of the twins: an exact one or one with its error.
pub trait Real:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// A number that both sides hold exactly.
    fn exact(value: f64) -> Self;
    /// A number that f32 holds rounded.
    fn constant(value: f64) -> Self;
    /// The number itself.
    fn value(self) -> f64;
    /// `yes` where this is above `threshold`, else `no`.
    fn above(self, threshold: f64, yes: Self, no: Self) -> Self;
    /// |self|.
    fn abs(self) -> Self;
    /// The square root; of negative numbers, 0.
    fn sqrt(self) -> Self;
    /// e^self.
    fn exp(self) -> Self;
    /// e^self - 1.
    fn expm1(self) -> Self;
    /// ln(1 + self), for self in [0, 1].
    fn log1p(self) -> Self;
    /// 1 - erf(self).
    fn erfc(self) -> Self;
    /// self - floor(self), and 1/2 from 2^23 on, where f32 has no fraction left.
    fn cycle(self) -> Self;
    /// The same function in the other kind of number.
    fn of(function: Both) -> fn(Self, Self, &[f64]) -> Self;
}

/// A function of (x, noise, parameters) in both kinds of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Both {
    /// Without rounding.
    pub exact: fn(f64, f64, &[f64]) -> f64,
    /// With the error that f32 makes.
    pub bound: fn(Approx, Approx, &[f64]) -> Approx,
}

/// Where f32 holds whole numbers only.
const NO_FRACTION: f64 = 8_388_608.0;

impl Real for f64 {
    fn exact(value: f64) -> Self {
        value
    }

    fn constant(value: f64) -> Self {
        value
    }

    fn value(self) -> f64 {
        self
    }

    fn above(self, threshold: f64, yes: Self, no: Self) -> Self {
        // A NaN passes as what is above: functions return x there.
        if self <= threshold { no } else { yes }
    }

    fn abs(self) -> Self {
        self.abs()
    }

    fn sqrt(self) -> Self {
        self.max(0.0).sqrt()
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn expm1(self) -> Self {
        self.exp_m1()
    }

    fn log1p(self) -> Self {
        self.ln_1p()
    }

    fn erfc(self) -> Self {
        let tail = if self.abs() < 3.0 { 1.0 - erf_series(self.abs()) } else { erfc_fraction(self.abs()) };
        if self < 0.0 { 2.0 - tail } else { tail }
    }

    fn cycle(self) -> Self {
        if self.abs() >= NO_FRACTION { 0.5 } else { self - self.floor() }
    }

    fn of(function: Both) -> fn(Self, Self, &[f64]) -> Self {
        function.exact
    }
}

/// erf(x) = 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1*3*...*(2n+1)): no term is negative (Abramowitz, Stegun 7.1.6).
fn erf_series(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..100 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
}

/// erfc(x) = e^(-x^2)/sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), for x from 3 on (7.1.14); NaN stays NaN.
fn erfc_fraction(x: f64) -> f64 {
    let below = (1..100).rev().fold(x, |below, k| x + f64::from(k) / 2.0 / below);
    (-x * x).exp() / std::f64::consts::PI.sqrt() / below
}

/// Coefficients of `erfc` in shaders/lib/elementary.wgsl, from the constant on.
pub const ERFC: [f64; 10] = [
    -1.26551223,
    1.00002368,
    0.37409196,
    0.09678418,
    -0.18628806,
    0.27886807,
    -1.13520398,
    1.48851587,
    -0.82215223,
    0.17087277,
];

/// Largest relative error of that formula.
pub const ERFC_ERROR: f64 = 1.2e-7;

impl Neg for Approx {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, ..self }
    }
}

impl Approx {
    /// `c[0] + x*(c[1] + x*(...))`, each coefficient rounded to f32.
    pub fn horner(x: Self, coefficients: &[f64]) -> Self {
        let mut all = coefficients.iter().rev().map(|&c| Self::rounded(c));
        let first = all.next().unwrap_or(Self::exact(0.0));
        all.fold(first, |sum, c| c + x * sum)
    }

    /// With a further error of `relative` times the value.
    fn off(self, relative: f64) -> Self {
        Self { error: self.error + relative * self.value.abs(), ..self }
    }
}

impl Real for Approx {
    fn exact(value: f64) -> Self {
        Approx::exact(value)
    }

    fn constant(value: f64) -> Self {
        Approx::rounded(value)
    }

    fn value(self) -> f64 {
        self.value
    }

    /// Where the error leaves the side open, either may come out.
    fn above(self, threshold: f64, yes: Self, no: Self) -> Self {
        let (taken, other) = if self.value <= threshold { (no, yes) } else { (yes, no) };
        if self.error == 0.0 || (self.value - threshold).abs() > self.error {
            return taken;
        }
        let error = taken.error.max((taken.value - other.value).abs() + other.error);
        Self { error, ..taken }
    }

    fn abs(self) -> Self {
        Self { value: self.value.abs(), ..self }
    }

    fn sqrt(self) -> Self {
        self.sqrt()
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn expm1(self) -> Self {
        const SERIES: [f64; 9] = [
            1.0,
            1.0 / 2.0,
            1.0 / 6.0,
            1.0 / 24.0,
            1.0 / 120.0,
            1.0 / 720.0,
            1.0 / 5040.0,
            1.0 / 40320.0,
            1.0 / 362_880.0,
        ];
        // The first term left out is x^9/10! < 2^-30 of the sum.
        let near = (self * Approx::horner(self, &SERIES)).off(1e-9);
        self.abs().above(0.5, Real::exp(self) - Approx::exact(1.0), near)
    }

    fn log1p(self) -> Self {
        let s = self / (Approx::exact(2.0) + self);
        let odd: Vec<f64> = (0..8).map(|k| 1.0 / f64::from(2 * k + 1)).collect();
        // The first term left out is s^16/17 < 2e-9 of the sum, for s up to 1/3.
        (Approx::exact(2.0) * s * Approx::horner(s * s, &odd)).off(2e-9)
    }

    fn erfc(self) -> Self {
        let (one, half) = (Approx::exact(1.0), Approx::exact(0.5));
        let z = self.abs();
        let t = one / (one + half * z);
        let tail = t * Real::exp(Approx::horner(t, &ERFC) - z * z);
        let tail = tail.off(ERFC_ERROR);
        self.above(0.0, tail, Approx::exact(2.0) - tail)
    }

    fn cycle(self) -> Self {
        let value = self.value.cycle();
        let same = (self.value - self.error).floor() == (self.value + self.error).floor();
        let far =
            (self.value.abs() + self.error >= NO_FRACTION) != (self.value.abs() - self.error >= NO_FRACTION);
        let error = match self.value.abs() - self.error >= NO_FRACTION {
            true => 0.0,
            false if same && !far => self.error + ULP,
            false => 1.0,
        };
        Self { value, error }
    }

    fn of(function: Both) -> fn(Self, Self, &[f64]) -> Self {
        function.bound
    }
}
