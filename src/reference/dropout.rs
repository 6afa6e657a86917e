//! Inverted dropout: y = x*keep/(1 - rate).

use super::{Noise, Shape, threshold};

/// Dropout at one place of a network, in training; in evaluation it is the identity.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Probability of dropping an element, in [0, 1).
    pub rate: f64,
    /// Where the mask comes from: an element is kept if its uniform is at least `rate`.
    pub noise: Noise,
}

impl Dropout {
    /// y = x*keep/(1 - rate).
    pub fn forward(&self, x: &[f64], shape: Shape) -> Vec<f64> {
        shape.check("x", x);
        let mut y = vec![0.0; shape.len()];
        for row in 0..shape.rows() {
            for c in 0..shape.c {
                if self.noise.uniform_of_row(shape, row, c) >= threshold(self.rate) {
                    y[row * shape.c + c] = x[row * shape.c + c] / (1.0 - self.rate);
                }
            }
        }
        y
    }

    /// dx = dy*keep/(1 - rate), with the forward pass's mask.
    pub fn backward(&self, dy: &[f64], shape: Shape) -> Vec<f64> {
        self.forward(dy, shape)
    }
}
