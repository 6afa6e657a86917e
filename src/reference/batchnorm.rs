//! Batch normalisation over (n, h, w) per channel, alone and fused with a shortcut and an activation.

use super::{Mode, Shape, activation::Site, check_len};

/// Mean and variance per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Mean, (c).
    pub mean: Vec<f64>,
    /// Variance, (c): biased (divided by N) for a batch, a mean of unbiased ones for running statistics.
    pub variance: Vec<f64>,
}

/// The mean and biased variance of each channel over N = n*h*w pixels, in two passes.
pub fn statistics(x: &[f64], shape: Shape) -> Statistics {
    shape.check("x", x);
    let count = shape.rows() as f64;
    let mut mean = vec![0.0; shape.c];
    for (i, value) in x.iter().enumerate() {
        mean[i % shape.c] += value / count;
    }
    let mut variance = vec![0.0; shape.c];
    for (i, value) in x.iter().enumerate() {
        let centred = value - mean[i % shape.c];
        variance[i % shape.c] += centred * centred / count;
    }
    Statistics { mean, variance }
}

/// running = (1 - momentum)*running + momentum*batch, momentum in PyTorch's sense. The batch variance enters unbiased,
/// times N/(N-1), where N = `rows` must be at least 2.
pub fn running_update(running: &mut Statistics, batch: &Statistics, rows: usize, momentum: f64) {
    assert!(rows > 1, "batch statistics need at least 2 values per channel, got {rows}");
    let unbiased = rows as f64 / (rows - 1) as f64;
    for c in 0..running.mean.len() {
        running.mean[c] += momentum * (batch.mean[c] - running.mean[c]);
        running.variance[c] += momentum * (batch.variance[c] * unbiased - running.variance[c]);
    }
}

/// The parameters of one batch normalisation.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// Scale, PyTorch's `weight`, (c).
    pub gamma: &'a [f64],
    /// Offset, PyTorch's `bias`, (c).
    pub beta: &'a [f64],
    /// Added to the variance under the root.
    pub eps: f64,
}

/// What the backward pass of a [`BatchNorm`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// Gradient of the input, shaped like it.
    pub dx: Vec<f64>,
    /// Gradient of the scale, (c).
    pub dgamma: Vec<f64>,
    /// Gradient of the offset, (c).
    pub dbeta: Vec<f64>,
}

impl BatchNorm<'_> {
    /// xhat = (x - mean) * invstd, where invstd = 1/sqrt(variance + eps).
    pub fn normalize(&self, x: &[f64], shape: Shape, statistics: &Statistics) -> Vec<f64> {
        self.check(shape, statistics);
        shape.check("x", x);
        let invstd = self.invstd(statistics);
        x.iter().enumerate().map(|(i, x)| (x - statistics.mean[i % shape.c]) * invstd[i % shape.c]).collect()
    }

    /// z = xhat*gamma + beta. `statistics` are the batch's in training, the running ones in evaluation.
    pub fn forward(&self, x: &[f64], shape: Shape, statistics: &Statistics) -> Vec<f64> {
        let mut z = self.normalize(x, shape, statistics);
        for (i, z) in z.iter_mut().enumerate() {
            *z = *z * self.gamma[i % shape.c] + self.beta[i % shape.c];
        }
        z
    }

    /// dbeta = sum of dz, dgamma = sum of dz*xhat. In training the statistics depend on x:
    /// dx = gamma*invstd*(dz - (dbeta + xhat*dgamma)/N); in evaluation dx = gamma*invstd*dz.
    pub fn backward(
        &self,
        dz: &[f64],
        x: &[f64],
        shape: Shape,
        statistics: &Statistics,
        mode: Mode,
    ) -> Gradients {
        shape.check("dz", dz);
        let xhat = self.normalize(x, shape, statistics);
        let invstd = self.invstd(statistics);
        let (mut dgamma, mut dbeta) = (vec![0.0; shape.c], vec![0.0; shape.c]);
        for (i, dz) in dz.iter().enumerate() {
            dbeta[i % shape.c] += dz;
            dgamma[i % shape.c] += dz * xhat[i];
        }
        let count = shape.rows() as f64;
        let mut dx = vec![0.0; shape.len()];
        for (i, dx) in dx.iter_mut().enumerate() {
            let c = i % shape.c;
            let through_statistics = match mode {
                Mode::Train => (dbeta[c] + xhat[i] * dgamma[c]) / count,
                Mode::Eval => 0.0,
            };
            *dx = self.gamma[c] * invstd[c] * (dz[i] - through_statistics);
        }
        Gradients { dx, dgamma, dbeta }
    }

    fn invstd(&self, statistics: &Statistics) -> Vec<f64> {
        statistics.variance.iter().map(|variance| 1.0 / (variance + self.eps).sqrt()).collect()
    }

    fn check(&self, shape: Shape, statistics: &Statistics) {
        check_len("gamma", self.gamma, shape.c);
        check_len("beta", self.beta, shape.c);
        check_len("mean", &statistics.mean, shape.c);
        check_len("variance", &statistics.variance, shape.c);
    }
}

/// One fused block, y = act(bn(x) + shortcut), on an input of one shape. The activation's mode is also the
/// normalisation's.
#[derive(Clone, Copy, Debug)]
pub struct Fused<'a> {
    /// The normalisation.
    pub norm: BatchNorm<'a>,
    /// The statistics that it uses: the batch's in training, the running ones in evaluation.
    pub statistics: &'a Statistics,
    /// What is added to the normalised input, shaped like it; nothing if `None`.
    pub shortcut: Option<&'a [f64]>,
    /// The activation.
    pub site: Site<'a>,
}

/// What the backward pass of a [`Fused`] block gives.
#[derive(Clone, Debug, PartialEq)]
pub struct FusedGradients {
    /// Gradients of the normalisation's input and parameters.
    pub norm: Gradients,
    /// Gradient of the shortcut, shaped like x; it is also dz, the gradient before the activation.
    pub dshortcut: Vec<f64>,
}

impl Fused<'_> {
    /// z = bn(x) + shortcut, what the activation is applied to.
    pub fn preactivation(&self, x: &[f64], shape: Shape) -> Vec<f64> {
        let mut z = self.norm.forward(x, shape, self.statistics);
        if let Some(shortcut) = self.shortcut {
            shape.check("shortcut", shortcut);
            for (z, shortcut) in z.iter_mut().zip(shortcut) {
                *z += shortcut;
            }
        }
        z
    }

    /// y = act(bn(x) + shortcut).
    pub fn forward_fused(&self, x: &[f64], shape: Shape) -> Vec<f64> {
        self.site.forward(&self.preactivation(x, shape), shape)
    }

    /// dz = dy*act'(z), then the normalisation's backward pass; dshortcut = dz.
    pub fn backward_fused(&self, dy: &[f64], x: &[f64], shape: Shape) -> FusedGradients {
        let dz = self.site.backward(dy, &self.preactivation(x, shape), shape);
        let norm = self.norm.backward(&dz, x, shape, self.statistics, self.site.mode);
        FusedGradients { norm, dshortcut: dz }
    }
}
