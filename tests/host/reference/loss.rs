use super::{assert_all_close, assert_close, differences::assert_gradient, normals};
use wgrad::reference::loss::cross_entropy;

#[test]
fn values_by_hand() {
    // Probabilities 1/8, 2/8, 5/8 for both samples; labels 2 and 0.
    let row = [0.0, 2.0_f64.ln(), 5.0_f64.ln()];
    let logits = [row, row].concat();
    let plain = cross_entropy(&logits, &[2, 0], 3, 0.0);
    assert_all_close("loss", &plain.per_sample, &[(8.0_f64 / 5.0).ln(), 8.0_f64.ln()], 1e-14);
    assert_close("mean", plain.mean, ((8.0_f64 / 5.0).ln() + 8.0_f64.ln()) / 2.0, 1e-14);
    assert_eq!(plain.correct, 1);
    let expected = [0.0625, 0.125, -0.1875, -0.4375, 0.125, 0.3125];
    assert_all_close("dlogits", &plain.dlogits, &expected, 1e-14);

    // Smoothing 0.3: targets 0.1, 0.1, 0.8.
    let smooth = cross_entropy(&row, &[2], 3, 0.3);
    let expected = 0.1 * 8.0_f64.ln() + 0.1 * 4.0_f64.ln() + 0.8 * 1.6_f64.ln();
    assert_close("smoothed loss", smooth.mean, expected, 1e-14);
    assert_all_close("smoothed dlogits", &smooth.dlogits, &[0.025, 0.15, -0.175], 1e-14);
}

#[test]
fn equal_logits_give_the_logarithm_of_the_classes() {
    for smoothing in [0.0, 0.2] {
        let loss = cross_entropy(&[3.0; 10], &[4], 10, smoothing).mean;
        assert_close("loss", loss, 10.0_f64.ln(), 1e-14);
    }
}

#[test]
fn the_first_of_equal_logits_counts() {
    let logits = [1.0, 7.0, 7.0];
    assert_eq!(cross_entropy(&logits, &[1], 3, 0.0).correct, 1);
    assert_eq!(cross_entropy(&logits, &[2], 3, 0.0).correct, 0);
    assert_eq!(cross_entropy(&[0.0, 0.0], &[0], 2, 0.0).correct, 1);
}

#[test]
fn large_logits_do_not_overflow() {
    let result = cross_entropy(&[1000.0, 0.0, -1000.0], &[1], 3, 0.0);
    assert_eq!(result.mean, 1000.0);
    assert_eq!(result.dlogits, [1.0, -1.0, 0.0]);
}

#[test]
fn gradient_agrees_with_differences() {
    let (seed, n, classes) = (41, 5, 7);
    let logits: Vec<f64> = normals(seed, 0, n * classes).iter().map(|x| 2.0 * x).collect();
    let labels = [0, 6, 3, 3, 1];
    for smoothing in [0.0, 0.2] {
        let got = cross_entropy(&logits, &labels, classes, smoothing).dlogits;
        assert_gradient("cross entropy", seed, &got, &logits, &[1.0], |logits| {
            vec![cross_entropy(logits, &labels, classes, smoothing).mean]
        });
    }
}
