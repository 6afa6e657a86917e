//! The shares of mixup.

use crate::rng::{Sequence, Stream};

/// Share of an image in its own mixture at step `step` of the run: Beta(alpha, alpha), alpha above 0 (Zhang et al., arXiv
/// 1710.09412), from the stream Augment, layer 3; the same for the whole batch.
pub fn mixup_share(alpha: f64, seed: u32, step: u32) -> f64 {
    let mut sequence = Sequence::new(seed, Stream::Augment, step, 3);
    let [a, b] = [(); 2].map(|()| log_gamma_variate(&mut sequence, alpha));
    // a/(a + b) by logarithms: both variates may lie below the least number.
    1.0 / (1.0 + (b - a).exp())
}

/// Logarithm of a Gamma(shape, 1) variate (Marsaglia, Tsang 2000; below 1 by their boost with a uniform).
fn log_gamma_variate(sequence: &mut Sequence, shape: f64) -> f64 {
    if shape < 1.0 {
        // A uniform in (0, 1].
        let boost = (1.0 - sequence.uniform()).ln() / shape;
        return log_gamma_variate(sequence, shape + 1.0) + boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = sequence.normal();
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - sequence.uniform();
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return (d * v).ln();
        }
    }
}
