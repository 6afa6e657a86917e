//! Means, entropies and mutual information of Monte Carlo passes, by hand.

use wgrad::train::MonteCarlo;

fn close(what: &str, got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-6, "{what}: got {got}, expected {expected}");
}

#[test]
fn two_passes_that_agree_and_two_that_do_not() {
    let ln = |p: f64| p.ln() as f32;
    // Image 0: both passes say (0.8, 0.2). Image 1: one says (0.9, 0.1), the other (0.1, 0.9).
    let first = vec![ln(0.8), ln(0.2), ln(0.9), ln(0.1)];
    // A constant more on all logits of an image changes nothing.
    let second = vec![ln(0.8) + 3.0, ln(0.2) + 3.0, ln(0.1), ln(0.9)];
    let result = MonteCarlo::of(&[first, second], &[0, 1], 2);
    let h = |p: f64| -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
    close("entropy of agreement", result.entropy[0], h(0.8));
    close("entropy of disagreement", result.entropy[1], 2.0_f64.ln());
    close("information of agreement", result.mutual_information[0], 0.0);
    close("information of disagreement", result.mutual_information[1], 2.0_f64.ln() - h(0.9));
    close("mean entropy", result.mean_entropy, (h(0.8) + 2.0_f64.ln()) / 2.0);
    close("probability", f64::from(result.probabilities[0]), 0.8);
    // The loss is that of the mean probabilities, not the mean of the losses.
    close("loss", result.evaluation.loss, -(0.8_f64.ln() + 0.5_f64.ln()) / 2.0);
    assert_eq!(result.samples, 2);
    assert_eq!(result.evaluation.confusion[0], [1, 0]);
}

#[test]
fn certain_and_hopeless_answers() {
    let result = MonteCarlo::of(&[vec![200.0, -200.0], vec![200.0, -200.0]], &[1], 2);
    close("entropy", result.entropy[0], 0.0);
    close("information", result.mutual_information[0], 0.0);
    assert!(result.evaluation.loss.is_finite() && result.evaluation.loss > 80.0);
}
