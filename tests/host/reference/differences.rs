//! Gradients by finite differences, and the test that the comparison can fail.

use super::normals;

/// Distance between the points of the difference quotient.
const H: f64 = 1e-3;

/// How far the function's argument moves at most; inputs keep this distance from kinks.
pub const REACH: f64 = 2.0 * H;

/// Compares `gradient` with that of L(x) = sum of dy*forward(x) at `x`, by the fourth-order quotient
/// (8*(L(+h) - L(-h)) - (L(+2h) - L(-2h)))/12h.
///
/// The tolerance is the quotient's own error: truncation h^4/30 times the fifth derivative, here at most 1e5, so 3.4e-9; and
/// rounding, 18/12h times the error of L, which for sums of up to 1000 terms inside `forward` and y.len() terms after it
/// is at most 2^-53 * (1000 + y.len()) * sum of |dy*y|.
pub fn check(
    gradient: &[f64],
    x: &[f64],
    dy: &[f64],
    forward: impl Fn(&[f64]) -> Vec<f64>,
) -> Result<(), String> {
    if gradient.len() != x.len() {
        return Err(format!("{} gradients for {} inputs", gradient.len(), x.len()));
    }
    let y = forward(x);
    assert_eq!(y.len(), dy.len(), "upstream gradient");
    let magnitude: f64 = y.iter().zip(dy).map(|(y, dy)| (y * dy).abs()).sum();
    let tolerance = 3.4e-9 + 1.5 / H * f64::EPSILON / 2.0 * (1000 + y.len()) as f64 * magnitude;

    let mut x = x.to_vec();
    let mut largest: f64 = 0.0;
    for (i, &got) in gradient.iter().enumerate() {
        let centre = x[i];
        let mut loss = |offset: f64| -> f64 {
            x[i] = centre + offset;
            forward(&x).iter().zip(dy).map(|(y, dy)| y * dy).sum()
        };
        let near = loss(H) - loss(-H);
        let far = loss(2.0 * H) - loss(-2.0 * H);
        x[i] = centre;
        let expected = (8.0 * near - far) / (12.0 * H);
        largest = largest.max(expected.abs());
        let close = (got - expected).abs() <= tolerance;
        if !close {
            return Err(format!("element {i}: got {got}, expected {expected} to {tolerance:e}"));
        }
    }
    // All-zero gradients would compare nothing.
    if largest < 1e4 * tolerance {
        return Err(format!("the largest gradient, {largest:e}, is too small for tolerance {tolerance:e}"));
    }
    Ok(())
}

/// Like [`check`], panics with the test's name and seed.
pub fn assert_gradient(
    name: &str,
    seed: u32,
    gradient: &[f64],
    x: &[f64],
    dy: &[f64],
    forward: impl Fn(&[f64]) -> Vec<f64>,
) {
    if let Err(reason) = check(gradient, x, dy, forward) {
        panic!("{name}, seed {seed}: {reason}");
    }
}

#[test]
fn comparison_rejects_wrong_gradients() {
    let (x, dy) = (normals(1, 0, 7), normals(1, 1, 7));
    let cube = |x: &[f64]| x.iter().map(|x| x * x * x).collect::<Vec<_>>();
    let right: Vec<f64> = x.iter().zip(&dy).map(|(x, dy)| 3.0 * x * x * dy).collect();
    check(&right, &x, &dy, cube).unwrap();

    let mut flipped = right.clone();
    flipped[6] = -flipped[6];
    let mut nan = right.clone();
    nan[0] = f64::NAN;
    let mut off: Vec<f64> = right.clone();
    off[3] += 1e-6;
    for (wrong, what) in
        [(&flipped, "flip"), (&nan, "NaN"), (&off, "offset"), (&right[..6].to_vec(), "length")]
    {
        assert!(check(wrong, &x, &dy, cube).is_err(), "{what} was accepted");
    }
    assert!(check(&[0.0; 7], &x, &[0.0; 7], cube).is_err(), "a comparison of zeros was accepted");
}
