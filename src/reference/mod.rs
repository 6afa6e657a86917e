//! The f64 CPU twin of every kernel: plain slices and explicit loops. It is the specification that the shaders are
//! compared with.
//!
//! Tensors are logical NHWC: row-major (n, y, x, c) without padding. Convolution weights are OIHW and linear weights
//! (out, in), as in PyTorch. `d<name>` is the gradient of the loss with respect to `<name>`. Every function panics when a
//! slice's length does not fit its shape: callers build both from the same sizes.

pub mod activation;
pub mod augment;
pub mod batchnorm;
pub mod bias;
pub mod ceiling;
pub mod conv;
pub mod dropconnect;
pub mod dropout;
pub mod linear;
pub mod loss;
mod noise;
pub mod optimizer;
pub mod pool;
pub mod real;
pub mod reshape;
pub mod residual;
pub mod tolerance;
pub mod winograd;

pub use noise::{Noise, Unit, normal_bounds};

/// The sizes of an NHWC tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Samples.
    pub n: usize,
    /// Height.
    pub h: usize,
    /// Width.
    pub w: usize,
    /// Channels, without padding.
    pub c: usize,
}

impl Shape {
    /// The shape (n, h, w, c).
    pub const fn new(n: usize, h: usize, w: usize, c: usize) -> Self {
        Self { n, h, w, c }
    }

    /// Number of elements.
    pub const fn len(&self) -> usize {
        self.rows() * self.c
    }

    /// Whether there is no element.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of pixels over all samples, n*h*w: the rows of the tensor seen as a (rows, channels) matrix.
    pub const fn rows(&self) -> usize {
        self.n * self.h * self.w
    }

    /// Position of element (n, y, x, c) in the slice.
    pub const fn index(&self, n: usize, y: usize, x: usize, c: usize) -> usize {
        ((n * self.h + y) * self.w + x) * self.c + c
    }

    /// Panics unless `slice` holds exactly this shape's elements.
    fn check(&self, name: &str, slice: &[f64]) {
        check_len(name, slice, self.len());
    }
}

/// Panics unless `slice` has `expected` elements.
fn check_len(name: &str, slice: &[f64], expected: usize) {
    assert_eq!(slice.len(), expected, "{name} has {} elements, expected {expected}", slice.len());
}

/// Training or evaluation: which statistics and which noise are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, random noise.
    Train,
    /// Running statistics, no noise.
    Eval,
}

/// A probability as the shaders hold it, in f32. A uniform may equal the rounded number, so that comparing with the
/// unrounded one would give another answer for one draw in 2^24.
fn threshold(probability: f64) -> f64 {
    f64::from(probability as f32)
}
