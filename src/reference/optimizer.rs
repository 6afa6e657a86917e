//! Parameter updates.

/// Stochastic gradient descent exactly as PyTorch's `SGD` with dampening 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// Factor of the momentum buffer, in [0, 1).
    pub momentum: f64,
    /// Added to the gradient as weight_decay*weight (coupled): the gradient of weight_decay/2 * weight^2.
    pub weight_decay: f64,
    /// Whether the update looks ahead: d + momentum*buffer instead of the buffer.
    pub nesterov: bool,
}

impl Sgd {
    /// One step, in place: d = gradient + weight_decay*weight; buffer = momentum*buffer + d; weight -= lr*update. The
    /// three slices have one length; the buffer starts as zeros, so that it is d after the first step.
    pub fn step(&self, weight: &mut [f64], buffer: &mut [f64], gradient: &[f64]) {
        assert_eq!(weight.len(), gradient.len(), "weight and gradient have the same length");
        assert_eq!(weight.len(), buffer.len(), "weight and momentum buffer have the same length");
        for i in 0..weight.len() {
            let d = gradient[i] + self.weight_decay * weight[i];
            buffer[i] = self.momentum * buffer[i] + d;
            let update = if self.nesterov { d + self.momentum * buffer[i] } else { buffer[i] };
            weight[i] -= self.lr * update;
        }
    }
}
