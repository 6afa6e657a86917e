//! Monte Carlo evaluation: several passes with noise of their own (Gal, Ghahramani 2016), softmax averaged over them.

use serde::Serialize;

use super::evaluate::Evaluation;

/// What several noisy passes say together.
#[derive(Clone, Debug, Serialize)]
pub struct MonteCarlo {
    /// Accuracy, loss and confusion of the mean probabilities.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// Number of passes.
    pub samples: usize,
    /// Mean over the images of `entropy`, in nats.
    pub mean_entropy: f64,
    /// Mean over the images of `mutual_information`, in nats.
    pub mean_mutual_information: f64,
    /// For each image the entropy of its mean probabilities, in nats: all that is uncertain.
    pub entropy: Vec<f64>,
    /// For each image that entropy less the mean of the passes' own, in nats: what the passes disagree about.
    pub mutual_information: Vec<f64>,
    /// For each image the mean probability of each class.
    #[serde(skip)]
    pub probabilities: Vec<f32>,
}

impl MonteCarlo {
    /// Judges the passes' logits (`classes` an image) by the labels.
    pub fn of(samples: &[Vec<f32>], labels: &[u8], classes: usize) -> Self {
        let count = labels.len();
        let share = 1.0 / samples.len().max(1) as f64;
        let mut mean = vec![0.0; count * classes];
        let mut own_entropy = vec![0.0; count];
        for logits in samples {
            for (image, row) in logits.chunks_exact(classes).enumerate() {
                let p = softmax(row);
                own_entropy[image] += share * entropy(&p);
                for (mean, p) in mean[image * classes..].iter_mut().zip(p) {
                    *mean += share * p;
                }
            }
        }
        let entropies: Vec<f64> = mean.chunks_exact(classes).map(entropy).collect();
        let information: Vec<f64> =
            entropies.iter().zip(own_entropy).map(|(all, own)| (all - own).max(0.0)).collect();
        let average = |values: &[f64]| values.iter().sum::<f64>() / count.max(1) as f64;
        // The softmax of the logarithms is the mean itself.
        let logarithms: Vec<f32> =
            mean.iter().map(|p| p.max(f64::from(f32::MIN_POSITIVE)).ln() as f32).collect();
        Self {
            evaluation: Evaluation::of(&logarithms, labels, classes),
            samples: samples.len(),
            mean_entropy: average(&entropies),
            mean_mutual_information: average(&information),
            entropy: entropies,
            mutual_information: information,
            probabilities: mean.iter().map(|&p| p as f32).collect(),
        }
    }
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&z| (f64::from(z) - f64::from(highest)).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.iter().map(|power| power / total).collect()
}

/// -sum of p ln p.
fn entropy(p: &[f64]) -> f64 {
    p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}
