//! Biases of convolutions.

use super::{Shape, check_len};

/// y(.., c) = x(.., c) + bias(c).
pub fn forward(x: &[f64], bias: &[f64], shape: Shape) -> Vec<f64> {
    shape.check("x", x);
    check_len("bias", bias, shape.c);
    x.iter().enumerate().map(|(i, x)| x + bias[i % shape.c]).collect()
}

/// dbias(c) = sum of dy(.., c); dx is dy.
pub fn gradient(dy: &[f64], shape: Shape) -> Vec<f64> {
    shape.check("dy", dy);
    let mut gradient = vec![0.0; shape.c];
    dy.iter().enumerate().for_each(|(i, dy)| gradient[i % shape.c] += dy);
    gradient
}
