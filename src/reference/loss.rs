//! Softmax cross-entropy with label smoothing, and the count of right answers.

use super::check_len;

/// What [`cross_entropy`] gives for a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropy {
    /// Loss of each sample in nats, (n).
    pub per_sample: Vec<f64>,
    /// Mean of the samples' losses.
    pub mean: f64,
    /// Samples whose largest logit (the first one on ties) is at the label.
    pub correct: usize,
    /// Gradient of the mean with respect to the logits, (n, classes).
    pub dlogits: Vec<f64>,
}

/// Loss of logits (n, classes) against `labels` (n). As in PyTorch the target of a sample is
/// (1 - smoothing)*onehot + smoothing/classes; the loss is -sum over k of target(k)*log_softmax(k), and
/// dlogits = (softmax - target)/n. The batch must not be empty.
pub fn cross_entropy(logits: &[f64], labels: &[u32], classes: usize, smoothing: f64) -> CrossEntropy {
    check_len("logits", logits, labels.len() * classes);
    assert!(!labels.is_empty(), "the mean of an empty batch is not defined");
    let count = labels.len() as f64;
    let (mut per_sample, mut dlogits, mut correct) = (Vec::new(), Vec::new(), 0);
    for (logits, &label) in logits.chunks_exact(classes).zip(labels) {
        let label = label as usize;
        assert!(label < classes, "label {label} is not below the number of classes, {classes}");
        let mut largest = 0;
        for k in 1..classes {
            if logits[k] > logits[largest] {
                largest = k;
            }
        }
        correct += usize::from(largest == label);
        let sum: f64 = logits.iter().map(|logit| (logit - logits[largest]).exp()).sum();
        let mut loss = 0.0;
        for (k, logit) in logits.iter().enumerate() {
            let log_softmax = logit - logits[largest] - sum.ln();
            let onehot = if k == label { 1.0 } else { 0.0 };
            let target = (1.0 - smoothing) * onehot + smoothing / classes as f64;
            loss -= target * log_softmax;
            dlogits.push((log_softmax.exp() - target) / count);
        }
        per_sample.push(loss);
    }
    let mean = per_sample.iter().sum::<f64>() / count;
    CrossEntropy { per_sample, mean, correct, dlogits }
}
