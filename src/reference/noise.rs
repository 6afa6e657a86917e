//! The random numbers of a layer in a step.

use super::Shape;
use super::tolerance::Approx;
use crate::rng::{self, Stream};

/// The random numbers of one layer in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// First word of the key.
    pub seed: u32,
    /// Second word of the key.
    pub stream: Stream,
    /// Second word of the counter: the training step.
    pub step: u32,
    /// Third word of the counter: the layer's number in its network.
    pub layer: u32,
}

/// What shares one draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing: each element has its own.
    Element,
    /// A channel of an image.
    Channel,
    /// An image.
    Sample,
}

impl Noise {
    /// The uniform in [0, 1) of element (n, y, x, c), a multiple of 2^-24.
    ///
    /// Elements are numbered as they lie on the GPU, where channels are padded to c4 = ceil(c/4) groups of four: the
    /// Philox block is ((n*H + y)*W + x)*c4 + c/4, the word in it c % 4.
    pub fn uniform(&self, shape: Shape, n: usize, y: usize, x: usize, c: usize) -> f64 {
        self.uniform_of_row(shape, (n * shape.h + y) * shape.w + x, c)
    }

    /// The same for channel `c` of pixel number `row` = (n*H + y)*W + x.
    pub fn uniform_of_row(&self, shape: Shape, row: usize, c: usize) -> f64 {
        self.uniform_of(Unit::Element, shape, row, c)
    }

    /// The same for what shares a draw with this element: a channel's is that of pixel number n, an image's is word 0 of
    /// block n.
    pub fn uniform_of(&self, unit: Unit, shape: Shape, row: usize, c: usize) -> f64 {
        let (block, word) = place(unit, shape, row, c);
        f64::from(rng::uniform4(self.seed, self.stream, block, self.step, self.layer)[word])
    }

    /// The standard normal of the same place, with the error of its f32 form (`shaders/lib/normal.wgsl`).
    pub fn normal_of(&self, unit: Unit, shape: Shape, row: usize, c: usize) -> Approx {
        let (block, word) = place(unit, shape, row, c);
        let u = rng::uniform4(self.seed, self.stream, block, self.step, self.layer).map(f64::from);
        let pair = word / 2 * 2;
        let error = normal_bounds(u[pair], u[pair + 1])[word % 2].error;
        Approx { value: rng::normal_pair(u[pair], u[pair + 1])[word % 2], error }
    }
}

/// The Philox block of an element, and its word in it.
fn place(unit: Unit, shape: Shape, row: usize, c: usize) -> (u32, usize) {
    let (c4, image) = (shape.c.div_ceil(4), row / (shape.h * shape.w));
    let (block, word) = match unit {
        Unit::Element => (row * c4 + c / 4, c % 4),
        Unit::Channel => (image * c4 + c / 4, c % 4),
        Unit::Sample => (image, 0),
    };
    (u32::try_from(block).expect("a tensor has at most 2^34 elements"), word)
}

/// Two normals of uniforms in [0, 1) with the error of the shader's formula: -ln(1 - u) by a series for u up to 1/2; sine and cosine of an angle within pi/4 by
/// series.
pub fn normal_bounds(u: f64, v: f64) -> [Approx; 2] {
    let exact = Approx::exact;
    let two = exact(2.0);
    let minus_log = if u > 0.5 {
        exact(0.0) - exact(1.0 - u).ln()
    } else {
        let s = exact(u) / (two - exact(u));
        let odd: Vec<f64> = (0..8).map(|k| 1.0 / f64::from(2 * k + 1)).collect();
        let series = two * s * Approx::horner(s * s, &odd);
        // The first term left out is s^16/17 < 2e-9 of the sum, for s up to 1/3.
        Approx { error: series.error + 2e-9 * series.value, ..series }
    };
    let radius = (two * minus_log).sqrt();
    let quarter = (4.0 * v).floor();
    let angle = Approx::rounded(std::f64::consts::FRAC_PI_2) * exact(4.0 * v - quarter - 0.5);
    let q = angle * angle;
    let sine = angle * Approx::horner(q, &[1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0]);
    let even = [1.0, -1.0 / 2.0, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40320.0, -1.0 / 3_628_800.0];
    let cosine = Approx::horner(q, &even);
    let middle = std::f64::consts::FRAC_1_SQRT_2;
    let x = Approx::rounded(if quarter == 1.0 || quarter == 2.0 { -middle } else { middle });
    let y = Approx::rounded(if quarter >= 2.0 { -middle } else { middle });
    // Left out of the series: at most (pi/4)^11/11! + (pi/4)^12/12! < 2e-9.
    let off = |part: Approx| Approx { error: part.error + 2e-9, ..part };
    [radius * off(x * cosine - y * sine), radius * off(y * cosine + x * sine)]
}
