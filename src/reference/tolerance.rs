//! How far a correct f32 computation may be from the exact one.
//!
//! WGSL ("Floating Point Accuracy") calls +, - and * correctly rounded, but leaves the direction open: the result is one of
//! the two f32 values around the exact one, so within one unit in the last place, at most [`ULP`] = 2^-23 of its
//! magnitude. (With rounding to nearest it is half of that.) fma(x, y, z) may be x*y + z with two roundings. Division
//! is within 2.5 ULP, sqrt as 1/inverseSqrt(x) with inverseSqrt within 2 ULP, exp(x) within 3 + 2|x| ULP, log within 3 ULP,
//! or 2^-21 where x is in 0.5..2. Results below the least normal f32 may become 0: every operation adds [`TINY`].
//!
//! Sums: each of the n terms a_i*b_i takes part in at most n roundings besides its own, whatever the order, so that with
//! relative errors d_k, |d_k| <= u, the computed sum is the sum of a_i*b_i*(1+d_1)...(1+d_n+1) and its error is at most
//! gamma(n+1) * sum of |a_i*b_i| (Higham, Accuracy and Stability of Numerical Algorithms, 3.1 and 4.2). The roundings of a
//! long sum with terms of both signs partly cancel: its error stays within lambda*sqrt(n+1)*u * sum of |a_i*b_i| but for a
//! probability of 2(n+1)*exp(-lambda^2/2) (Higham, Mary 2019, A New Approach to Probabilistic Rounding Error Analysis,
//! theorem 3.1); lambda = 8 makes that 3e-14 a term, and u = 2^-23 twice what rounding to nearest needs.

use std::ops::{Add, Div, Mul, Sub};

/// Largest distance between neighbouring normal f32 values, relative to their magnitude.
pub const ULP: f64 = 1.0 / 8_388_608.0;

/// Least normal f32: what flushing a denormal may cost.
pub const TINY: f64 = f32::MIN_POSITIVE as f64;

/// Higham's gamma: the relative error that `roundings` roundings can build up, k*u/(1 - k*u).
///
/// # Panics
/// Where k*u reaches 1: such a sum has no bound.
pub fn gamma(roundings: usize) -> f64 {
    let ku = roundings as f64 * ULP;
    assert!(ku < 1.0, "no bound for {roundings} roundings");
    ku / (1.0 - ku)
}

/// Error of a sum of `terms` products of f32 values of both signs in any order, where `magnitude` is the sum of the
/// products' magnitudes.
pub fn sum_of_products(terms: usize, magnitude: f64) -> f64 {
    const LAMBDA: f64 = 8.0;
    let probable = LAMBDA * ((terms + 1) as f64).sqrt() * ULP;
    // gamma is no bound any more where n*u nears 1; the other is the smaller one long before.
    let relative = if terms < 64 { gamma(terms + 1) } else { probable };
    relative * magnitude + TINY * terms as f64
}

/// An exact value with the largest error that its f32 computation can have: arithmetic on it carries both through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Approx {
    /// The exact value.
    pub value: f64,
    /// Largest distance of the computed value.
    pub error: f64,
}

impl Approx {
    /// A value that both sides hold exactly; a device may take a denormal for 0.
    pub fn exact(value: f64) -> Self {
        let error = if value.abs() < TINY { value.abs() } else { 0.0 };
        Self { value, error }
    }

    /// A value that was rounded once to f32.
    pub fn rounded(value: f64) -> Self {
        Self::exact(value).ulps(1.0)
    }

    /// The computed value's own rounding comes on top of what its operands brought.
    fn ulps(self, ulps: f64) -> Self {
        let error = self.error + ulps * ULP * (self.value.abs() + self.error) + TINY;
        Self { error, ..self }
    }

    /// Largest magnitude that the computed value can have.
    fn most(self) -> f64 {
        self.value.abs() + self.error
    }

    /// Any function, evaluated within `ulps` units in the last place. The argument's error counts at both ends of its
    /// interval: enough for functions that are monotone on so short a one, jumps included.
    pub fn through(self, ulps: f64, function: impl Fn(f64) -> f64) -> Self {
        let value = function(self.value);
        let spread = |end: f64| (function(end) - value).abs();
        let error = spread(self.value - self.error).max(spread(self.value + self.error));
        if ulps == 0.0 { Self { value, error: error + TINY } } else { Self { value, error }.ulps(ulps) }
    }

    /// sqrt(self), as 1/inverseSqrt: 2 and 2.5 ULP. Negative values that only rounding makes count as 0.
    #[must_use]
    pub fn sqrt(self) -> Self {
        self.through(4.5, |x| x.max(0.0).sqrt())
    }

    /// exp(self).
    #[must_use]
    pub fn exp(self) -> Self {
        self.through(3.0 + 2.0 * self.most(), f64::exp)
    }

    /// log(self), for values above 0.
    #[must_use]
    pub fn ln(self) -> Self {
        let result = self.through(3.0, f64::ln);
        Self { error: result.error + 1.0 / 2_097_152.0, ..result }
    }

    /// The sum of any number of terms, in any order.
    pub fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        let (mut value, mut error, mut magnitude, mut count) = (0.0, 0.0, 0.0, 0);
        for term in terms {
            value += term.value;
            error += term.error;
            magnitude += term.most();
            count += 1;
        }
        Self { value, error: error + gamma(count) * magnitude + TINY * count as f64 }
    }
}

impl Add for Approx {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, error: self.error + other.error }.ulps(1.0)
    }
}

impl Sub for Approx {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, error: self.error + other.error }.ulps(1.0)
    }
}

impl Mul for Approx {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let error = self.value.abs() * other.error + other.most() * self.error;
        Self { value: self.value * other.value, error }.ulps(1.0)
    }
}

impl Div for Approx {
    type Output = Self;
    /// The divisor's error must be smaller than its magnitude.
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let error = (self.error + value.abs() * other.error) / (other.value.abs() - other.error);
        Self { value, error }.ulps(2.5)
    }
}
