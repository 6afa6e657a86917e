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

/// Which of Adam's kin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AdamForm {
    /// `torch.optim.Adam`: m^/(sqrt(v^) + eps), m^ = m/(1 - beta1^t), v^ = v/(1 - beta2^t).
    Corrected,
    /// Keras' Adam: sqrt(1 - beta2^t)/(1 - beta1^t) * m/(sqrt(v) + eps).
    EpsilonHat,
    /// `torch.optim.NAdam`, with psi = `momentum_decay`: (mu(t+1) m/(1 - mu(1)...mu(t+1)) + (1 - mu(t)) g/(1 -
    /// mu(1)...mu(t)))/(sqrt(v^) + eps), mu(t) = beta1 (1 - 0.96^(t psi)/2).
    Nadam {
        /// 0.004 as PyTorch, 1 as Keras from 2.11 on.
        psi: f64,
    },
}

/// Adam, without weight decay: callers add it to the gradient, or shrink the weights before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub lr: f64,
    /// Factor of the first moment, in [0, 1).
    pub beta1: f64,
    /// Factor of the second moment, in [0, 1).
    pub beta2: f64,
    /// Added to the root.
    pub eps: f64,
    /// Which of its kin.
    pub form: AdamForm,
}

impl Adam {
    /// Step number `t`, from 1, in place: m = beta1*m + (1 - beta1)*g; v = beta2*v + (1 - beta2)*g^2, both from zeros;
    /// weight -= lr*update by the form. The four slices have one length.
    pub fn step(&self, t: u32, weight: &mut [f64], m: &mut [f64], v: &mut [f64], gradient: &[f64]) {
        let lengths = [m.len(), v.len(), gradient.len()];
        assert_eq!(lengths, [weight.len(); 3], "weight, moments and gradient have the same length");
        let (one1, one2) = (1.0 - self.beta1.powi(t as i32), 1.0 - self.beta2.powi(t as i32));
        for i in 0..weight.len() {
            let g = gradient[i];
            m[i] = self.beta1 * m[i] + (1.0 - self.beta1) * g;
            v[i] = self.beta2 * v[i] + (1.0 - self.beta2) * g * g;
            let update = match self.form {
                AdamForm::Corrected => m[i] / one1 / ((v[i] / one2).sqrt() + self.eps),
                AdamForm::EpsilonHat => one2.sqrt() / one1 * m[i] / (v[i].sqrt() + self.eps),
                AdamForm::Nadam { psi } => {
                    let mu = |t: u32| self.beta1 * (1.0 - 0.5 * 0.96f64.powf(f64::from(t) * psi));
                    let product: f64 = (1..=t).map(mu).product();
                    let ahead = mu(t + 1) * m[i] / (1.0 - product * mu(t + 1));
                    (ahead + (1.0 - mu(t)) * g / (1.0 - product)) / ((v[i] / one2).sqrt() + self.eps)
                }
            };
            weight[i] -= self.lr * update;
        }
    }
}

/// `torch.optim.RMSprop` without centring and weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Learning rate.
    pub lr: f64,
    /// Factor of the mean square, in [0, 1): PyTorch's alpha.
    pub rho: f64,
    /// Added to the root.
    pub eps: f64,
    /// Factor of the buffer, in [0, 1).
    pub momentum: f64,
}

impl RmsProp {
    /// One step, in place: square = rho*square + (1 - rho)*g^2; buffer = momentum*buffer + g/(sqrt(square) + eps);
    /// weight -= lr*buffer; both from zeros. The four slices have one length.
    pub fn step(&self, weight: &mut [f64], square: &mut [f64], buffer: &mut [f64], gradient: &[f64]) {
        let lengths = [square.len(), buffer.len(), gradient.len()];
        assert_eq!(lengths, [weight.len(); 3], "weight, state and gradient have the same length");
        for (i, g) in gradient.iter().enumerate() {
            square[i] = self.rho * square[i] + (1.0 - self.rho) * g * g;
            buffer[i] = self.momentum * buffer[i] + g / (square[i].sqrt() + self.eps);
            weight[i] -= self.lr * buffer[i];
        }
    }
}

/// The factor that brings a gradient's norm to at most `most`, as `torch.nn.utils.clip_grad_norm_`, and the norm.
pub fn clip_factor(gradient: &[f64], most: f64) -> (f64, f64) {
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    ((most / (norm + 1e-6)).min(1.0), norm)
}

/// Pruned weights stay 0: weight *= mask, of zeros and ones.
pub fn mask(mask: &[f64], weight: &mut [f64]) {
    weight.iter_mut().zip(mask).for_each(|(weight, mask)| *weight *= mask);
}

/// The moving average of weights after step `step` (from 0), in place: min(decay, (1 + step)/(10 + step)) of it stays.
pub fn average(decay: f64, step: u32, weight: &[f64], average: &mut [f64]) {
    let step = f64::from(step);
    let stays = decay.min((1.0 + step) / (10.0 + step));
    for (average, weight) in average.iter_mut().zip(weight) {
        *average = stays * *average + (1.0 - stays) * weight;
    }
}
