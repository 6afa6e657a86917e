//! Residual connections: the parameter-free shortcut of He et al. (arXiv 1512.03385, option A), the sum, and the scales of
//! its branch.

use super::{Mode, Noise, Shape, threshold};
use crate::rng;

/// The shape after the shortcut: every second row and column, `out_channels` channels.
pub fn shortcut_shape(shape: Shape, out_channels: usize) -> Shape {
    Shape::new(shape.n, shape.h.div_ceil(2), shape.w.div_ceil(2), out_channels)
}

/// y(n, p, q, before + c) = x(n, 2p, 2q, c); the (out-in)/2 channels before and the rest after are zeros.
pub fn shortcut_forward(x: &[f64], shape: Shape, out_channels: usize) -> Vec<f64> {
    shape.check("x", x);
    let mut y = vec![0.0; shortcut_shape(shape, out_channels).len()];
    each_pair(shape, out_channels, |input, output| y[output] = x[input]);
    y
}

/// dx(n, 2p, 2q, c) = dy(n, p, q, before + c), all other elements 0; `shape` is the input's.
pub fn shortcut_backward(dy: &[f64], shape: Shape, out_channels: usize) -> Vec<f64> {
    shortcut_shape(shape, out_channels).check("dy", dy);
    let mut dx = vec![0.0; shape.len()];
    each_pair(shape, out_channels, |input, output| dx[input] = dy[output]);
    dx
}

/// a + b; the gradient of both is the sum's.
pub fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    assert_eq!(a.len(), b.len(), "the two sides of a sum have the same length");
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// What a residual block's branch is multiplied by, for each image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// 1.
    One,
    /// Stochastic depth (Huang et al., arXiv 1603.09382): 1 with probability `survival`, else 0.
    StochasticDepth {
        /// Probability in (0, 1].
        survival: f64,
    },
    /// ShakeDrop (Yamada et al., arXiv 1802.02375): b + a - ba forward, b + c - bc backward, with b = 1 with probability
    /// `survival`, else 0, a in -1..1, c in 0..1.
    ShakeDrop {
        /// Probability in (0, 1].
        survival: f64,
    },
}

impl Scale {
    /// Forward and backward factor of image `n`; in evaluation the forward's mean.
    pub fn factors(self, mode: Mode, noise: Noise, n: usize) -> [f64; 2] {
        let u = rng::uniform4(noise.seed, noise.stream, n as u32, noise.step, noise.layer).map(f64::from);
        let (Self::StochasticDepth { survival } | Self::ShakeDrop { survival }) = self else {
            return [1.0; 2];
        };
        if mode == Mode::Eval {
            return [threshold(survival); 2];
        }
        let survives = u[0] < threshold(survival);
        match self {
            _ if survives => [1.0; 2],
            Self::ShakeDrop { .. } => [2.0 * u[1] - 1.0, u[2]],
            _ => [0.0; 2],
        }
    }

    /// x times the forward's factors.
    pub fn forward(self, x: &[f64], shape: Shape, mode: Mode, noise: Noise) -> Vec<f64> {
        self.apply(x, shape, |n| self.factors(mode, noise, n)[0])
    }

    /// dy times the backward's factors.
    pub fn backward(self, dy: &[f64], shape: Shape, mode: Mode, noise: Noise) -> Vec<f64> {
        self.apply(dy, shape, |n| self.factors(mode, noise, n)[1])
    }

    fn apply(self, x: &[f64], shape: Shape, factor: impl Fn(usize) -> f64) -> Vec<f64> {
        shape.check("x", x);
        let image = shape.h * shape.w * shape.c;
        x.iter().enumerate().map(|(i, x)| x * factor(i / image)).collect()
    }
}

/// Calls `visit(input, output)` with the positions of every copied element.
fn each_pair(shape: Shape, out_channels: usize, mut visit: impl FnMut(usize, usize)) {
    assert!(out_channels >= shape.c, "the shortcut cannot reduce {} channels to {out_channels}", shape.c);
    let output = shortcut_shape(shape, out_channels);
    let before = (out_channels - shape.c) / 2;
    for n in 0..output.n {
        for p in 0..output.h {
            for q in 0..output.w {
                for c in 0..shape.c {
                    visit(shape.index(n, 2 * p, 2 * q, c), output.index(n, p, q, before + c));
                }
            }
        }
    }
}
