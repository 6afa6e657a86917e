//! What the kernels compute whose speed profiles compare the others with.

use super::real::Real;

/// For each of `count` groups of four: sixteen numbers v = at % 16 + lane/4 + 16*row, of which each becomes factor*v + term
/// 8*`rounds` times; the sums over the four rows.
pub fn fma<T: Real>(count: usize, rounds: usize, factor: f64, term: f64) -> Vec<T> {
    let (factor, term) = (T::exact(factor), T::exact(term));
    let mut y = Vec::with_capacity(4 * count);
    for at in 0..count {
        for lane in 0..4 {
            let row = |row: usize| {
                let mut v = T::exact((at % 16) as f64 + 0.25 * lane as f64 + 16.0 * row as f64);
                for _ in 0..8 * rounds {
                    v = factor * v + term;
                }
                v
            };
            y.push((row(0) + row(1)) + (row(2) + row(3)));
        }
    }
    y
}
