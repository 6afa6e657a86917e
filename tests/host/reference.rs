//! The f64 references: backward passes against finite differences, forward passes against hand-made answers.

mod activation;
mod activation_constants;
mod augment;
mod batchnorm;
mod conv;
mod differences;
mod layers;
mod loss;
mod noise;
mod optimizer;
mod optimizer_golden;
mod regularizers;
mod winograd;

use wgrad::rng::{Sequence, Stream};

/// `len` standard normals; `part` tells tensors of one test apart.
fn normals(seed: u32, part: u32, len: usize) -> Vec<f64> {
    let mut sequence = Sequence::new(seed, Stream::Test, 0, part);
    (0..len).map(|_| sequence.normal()).collect()
}

/// `len` uniforms in [low, high).
fn uniforms(seed: u32, part: u32, len: usize, low: f64, high: f64) -> Vec<f64> {
    let mut sequence = Sequence::new(seed, Stream::Test, 0, part);
    (0..len).map(|_| low + (high - low) * sequence.uniform()).collect()
}

/// Panics unless the two agree to `tolerance`, absolute.
fn assert_close(name: &str, got: f64, expected: f64, tolerance: f64) {
    let close = (got - expected).abs() <= tolerance;
    assert!(close, "{name}: got {got}, expected {expected} to {tolerance:e}");
}

/// Panics unless the slices have one length and agree element by element.
fn assert_all_close(name: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{name}: length");
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        assert_close(&format!("{name}[{i}]"), got, expected, tolerance);
    }
}
