//! A whole network in f64: forward, loss and backward, from the twins of its layers.

use super::tolerance::ULP;
use crate::kernels::Activation;
use crate::nn::{BatchNormSite, Layer, Network, Node, ShortcutSite};
use crate::reference::{
    self, Mode, Noise, Shape,
    activation::Site,
    batchnorm::{BatchNorm, Fused, Statistics, running_update, statistics},
    conv::Conv,
    dropout::Dropout,
    linear::Linear,
    loss::cross_entropy,
    pool, residual,
};
use crate::rng::{Sequence, Stream};

/// What a network is run on.
#[derive(Clone, Debug)]
pub struct Given {
    /// Values of [`Network::parameters`], in PyTorch's order of elements.
    pub parameters: Vec<Vec<f64>>,
    /// Values of [`Network::statistics`] before the step.
    pub statistics: Vec<Vec<f64>>,
    /// Images (n, height, width, channels).
    pub images: Vec<f64>,
    /// Class of each image.
    pub labels: Vec<u32>,
    /// Label smoothing in [0, 1).
    pub smoothing: f64,
    /// Seed of the random numbers.
    pub seed: u32,
    /// Step of the random numbers.
    pub step: u32,
    /// Training or evaluation.
    pub mode: Mode,
}

/// What a network gives.
#[derive(Clone, Debug, Default)]
pub struct Twin {
    /// Logits (n, classes).
    pub logits: Vec<f64>,
    /// Mean loss in nats.
    pub loss: f64,
    /// Gradient of each of [`Network::parameters`].
    pub gradients: Vec<Vec<f64>>,
    /// [`Network::statistics`] after the step.
    pub statistics: Vec<Vec<f64>>,
    /// What each activation was applied to, in the order of the nodes.
    pub preactivations: Vec<Vec<f64>>,
}

/// Adds what rounding may: see [`Twin::blurred`].
struct Blur {
    amplitude: f64,
    sequence: Sequence,
}

impl Blur {
    /// A sum of `terms` terms of size `size` has partial sums of up to sqrt(terms)*size, and sqrt(terms) roundings
    /// of these that do not cancel: terms*size*u.
    fn apply(&mut self, values: &mut [f64], terms: usize, size: f64) {
        if self.amplitude > 0.0 {
            let most = self.amplitude * ULP / 2.0 * terms as f64 * size;
            values.iter_mut().for_each(|value| *value += most * (2.0 * self.sequence.uniform() - 1.0));
        }
    }
}

/// Root of the mean square.
fn size(values: &[f64]) -> f64 {
    (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
}

struct Run<'a> {
    network: &'a Network,
    given: &'a Given,
    blur: Blur,
    values: Vec<Vec<f64>>,
    used: Vec<Option<Statistics>>,
    gradients: Vec<Vec<f64>>,
    twin: Twin,
}

impl Twin {
    /// Runs the network without rounding.
    pub fn exact(network: &Network, given: &Given) -> Self {
        Self::run(network, given, 0.0)
    }

    /// Runs it with a random error on the result of every layer, uniform up to `amplitude` times the size that f32's
    /// rounding to nearest typically has there (Monte Carlo arithmetic: Parker 1997). The distance from [`Twin::exact`]
    /// shows how errors of that size reach each result through this very network and data.
    pub fn blurred(network: &Network, given: &Given, amplitude: f64) -> Self {
        Self::run(network, given, amplitude)
    }

    fn run(network: &Network, given: &Given, amplitude: f64) -> Self {
        let blur = Blur { amplitude, sequence: Sequence::new(given.seed, Stream::Test, 9, 9) };
        let twin = Self { statistics: given.statistics.clone(), ..Self::default() };
        let gradients = vec![Vec::new(); network.parameters.len()];
        let (values, used) = (vec![given.images.clone()], Vec::new());
        let mut run = Run { network, given, blur, values, used, gradients, twin };
        for node in &network.nodes {
            let value = run.forward(node);
            run.values.push(value);
        }
        run.backward();
        Self { gradients: run.gradients, ..run.twin }
    }
}

impl Run<'_> {
    fn shape(&self, value: usize) -> Shape {
        let [h, w, c] = self.network.shape(value);
        Shape::new(self.given.labels.len(), h, w, c)
    }

    fn noise(&self, stream: Stream, layer: u32) -> Noise {
        Noise { seed: self.given.seed, stream, step: self.given.step, layer }
    }

    fn conv(&self, node: &Node) -> Conv {
        let Layer::Conv { kernel, stride, padding, .. } = node.layer else { unreachable!("a convolution") };
        let in_channels = self.network.shape(node.input)[2];
        Conv { kernel, stride, padding, in_channels, out_channels: node.shape[2] }
    }

    fn linear(&self, node: &Node) -> Linear {
        Linear { in_features: self.network.shape(node.input)[2], out_features: node.shape[2] }
    }

    /// Calls `f` with the activation's site.
    fn site<R>(&self, activation: &Activation, noise: u32, f: impl FnOnce(Site) -> R) -> R {
        let name = activation.row.name;
        let row = reference::activation::find(name).expect("every activation has a twin");
        let parameters: Vec<f64> = activation.values().iter().map(|&value| f64::from(value)).collect();
        let noise = self.noise(Stream::Activation, noise);
        f(Site { activation: row, parameters: &parameters, noise, mode: self.given.mode })
    }

    /// Calls `f` with the fused block of a batch norm.
    fn fused<R>(&self, index: usize, site: &BatchNormSite, f: impl FnOnce(Fused) -> R) -> R {
        let shortcut = match site.shortcut {
            ShortcutSite::None => None,
            ShortcutSite::Same(value) => Some(self.values[value].clone()),
            ShortcutSite::Padded(value) => {
                let channels = self.network.nodes[index].shape[2];
                Some(residual::shortcut_forward(&self.values[value], self.shape(value), channels))
            }
        };
        let [gamma, beta] = [site.gamma, site.gamma + 1].map(|i| self.given.parameters[i].as_slice());
        let norm = BatchNorm { gamma, beta, eps: f64::from(self.network.bn_eps) };
        let statistics = self.used[index].as_ref().expect("set in the forward pass");
        self.site(&site.activation, site.noise, |act| {
            f(Fused { norm, statistics, shortcut: shortcut.as_deref(), site: act })
        })
    }

    fn forward(&mut self, node: &Node) -> Vec<f64> {
        let (index, shape) = (self.used.len(), self.shape(node.input));
        let x = self.values[node.input].clone();
        self.used.push(None);
        let (mut y, terms, unit) = match &node.layer {
            Layer::Conv { weight, .. } => {
                let (conv, weight) = (self.conv(node), &self.given.parameters[*weight]);
                let terms = conv.kernel * conv.kernel * conv.in_channels;
                (conv.forward(&x, shape, weight), terms, size(&x) * size(weight))
            }
            Layer::BatchNorm(site) => {
                self.used[index] = Some(self.statistics(site, &x, shape));
                let z = self.fused(index, site, |fused| fused.preactivation(&x, shape));
                let y = self.fused(index, site, |fused| fused.forward_fused(&x, shape));
                let unit = size(&z);
                self.twin.preactivations.push(z);
                (y, 4, unit)
            }
            Layer::Activation { activation, noise } => {
                self.twin.preactivations.push(x.clone());
                (self.site(activation, *noise, |site| site.forward(&x, shape)), 1, size(&x))
            }
            Layer::Dropout { rate, noise, .. } => match self.given.mode {
                Mode::Train => (self.dropout(*rate, *noise).forward(&x, shape), 1, size(&x)),
                Mode::Eval => (x, 0, 0.0),
            },
            Layer::GlobalAveragePool => {
                let pixels = shape.h * shape.w;
                (pool::forward(&x, shape), pixels, size(&x) / pixels as f64)
            }
            Layer::Linear { weight } => {
                let [weight, bias] = [*weight, *weight + 1].map(|i| &self.given.parameters[i]);
                let layer = self.linear(node);
                (layer.forward(&x, weight, bias), layer.in_features + 1, size(&x) * size(weight))
            }
        };
        self.blur.apply(&mut y, terms, unit);
        y
    }

    fn dropout(&self, rate: f32, noise: u32) -> Dropout {
        Dropout { rate: f64::from(rate), noise: self.noise(Stream::Dropout, noise) }
    }

    /// The statistics that a batch norm uses; in training the running ones move on.
    fn statistics(&mut self, site: &BatchNormSite, x: &[f64], shape: Shape) -> Statistics {
        let [mean, variance] = [0, 1].map(|k| self.given.statistics[site.running + k].clone());
        let mut running = Statistics { mean, variance };
        if self.given.mode == Mode::Eval {
            return running;
        }
        let batch = statistics(x, shape);
        running_update(&mut running, &batch, shape.rows(), f64::from(self.network.bn_momentum));
        for (k, mut values) in [running.mean, running.variance].into_iter().enumerate() {
            let unit = size(&values);
            self.blur.apply(&mut values, 4, unit);
            self.twin.statistics[site.running + k] = values;
        }
        batch
    }

    fn backward(&mut self) {
        let network = self.network;
        let logits = self.values[network.logits()].clone();
        let labels = &self.given.labels;
        let loss = cross_entropy(&logits, labels, network.classes, self.given.smoothing);
        let mut dlogits = loss.dlogits;
        (self.twin.loss, self.twin.logits) = (loss.mean, logits);
        let mut mean = [self.twin.loss];
        self.blur.apply(&mut mean, 8, 1.0 + loss.mean.abs());
        self.twin.loss = mean[0];
        self.blur.apply(&mut dlogits, 8, 1.0 / labels.len() as f64);
        let mut gradients: Vec<Option<Vec<f64>>> = vec![None; network.nodes.len() + 1];
        gradients[network.logits()] = Some(dlogits);
        for (index, node) in network.nodes.iter().enumerate().rev() {
            let dy = gradients[index + 1].take().expect("a later layer reads every value");
            for (value, dx) in self.backward_node(index, node, &dy) {
                gradients[value] = Some(match gradients[value].take() {
                    Some(present) => residual::add(&present, &dx),
                    None => dx,
                });
            }
        }
    }

    /// Gradients of the values that a node reads; those of its parameters are kept.
    fn backward_node(&mut self, index: usize, node: &Node, dy: &[f64]) -> Vec<(usize, Vec<f64>)> {
        let shape = self.shape(node.input);
        let x = self.values[node.input].clone();
        let (mut dx, terms, unit) = match &node.layer {
            Layer::Conv { weight, .. } => {
                let conv = self.conv(node);
                let mut dw = conv.weight_gradient(&x, dy, shape);
                self.blur.apply(&mut dw, dy.len() / conv.out_channels, size(&x) * size(dy));
                self.gradients[*weight] = dw;
                let weight = &self.given.parameters[*weight];
                let terms = conv.kernel * conv.kernel * conv.out_channels;
                (conv.input_gradient(dy, shape, weight), terms, size(dy) * size(weight))
            }
            Layer::BatchNorm(site) => return self.backward_batchnorm(index, site, dy, &x, node.input),
            Layer::Activation { activation, noise } => {
                (self.site(activation, *noise, |site| site.backward(dy, &x, shape)), 1, size(dy))
            }
            Layer::Dropout { rate, noise, .. } => match self.given.mode {
                Mode::Train => (self.dropout(*rate, *noise).backward(dy, shape), 1, size(dy)),
                Mode::Eval => (dy.to_vec(), 0, 0.0),
            },
            Layer::GlobalAveragePool => (pool::backward(dy, shape), 1, size(dy) / (shape.h * shape.w) as f64),
            Layer::Linear { weight } => {
                let (layer, batch) = (self.linear(node), self.given.labels.len());
                let (mut dw, mut db) = (layer.weight_gradient(&x, dy), layer.bias_gradient(dy));
                self.blur.apply(&mut dw, batch, size(&x) * size(dy));
                self.blur.apply(&mut db, batch, size(dy));
                (self.gradients[*weight], self.gradients[*weight + 1]) = (dw, db);
                let weight = &self.given.parameters[*weight];
                (layer.input_gradient(dy, weight), layer.out_features, size(dy) * size(weight))
            }
        };
        self.blur.apply(&mut dx, terms, unit);
        vec![(node.input, dx)]
    }

    fn backward_batchnorm(
        &mut self,
        index: usize,
        site: &BatchNormSite,
        dy: &[f64],
        x: &[f64],
        input: usize,
    ) -> Vec<(usize, Vec<f64>)> {
        let shape = self.shape(input);
        let got = self.fused(index, site, |fused| fused.backward_fused(dy, x, shape));
        let (mut norm, mut dz) = (got.norm, got.dshortcut);
        let unit = size(&dz);
        self.blur.apply(&mut norm.dgamma, shape.rows(), unit);
        self.blur.apply(&mut norm.dbeta, shape.rows(), unit);
        // dx is a difference of terms as large as gamma*invstd*dz.
        let variance = &self.used[index].as_ref().expect("set in the forward pass").variance;
        let eps = f64::from(self.network.bn_eps);
        let gamma = self.given.parameters[site.gamma].iter();
        let scale =
            gamma.zip(variance).map(|(gamma, v)| (gamma / (v + eps).sqrt()).abs()).fold(0.0, f64::max);
        self.blur.apply(&mut norm.dx, 8, unit * scale);
        self.blur.apply(&mut dz, 1, unit);
        (self.gradients[site.gamma], self.gradients[site.gamma + 1]) = (norm.dgamma, norm.dbeta);
        let mut all = vec![(input, norm.dx)];
        match site.shortcut {
            ShortcutSite::None => {}
            ShortcutSite::Same(value) => all.push((value, dz)),
            ShortcutSite::Padded(value) => {
                all.push((value, residual::shortcut_backward(&dz, self.shape(value), shape.c)));
            }
        }
        all
    }
}
