//! A whole network in f64: forward, loss and backward, from the twins of its layers.

mod backward;
mod forward;

use super::tolerance::ULP;
use crate::kernels::Activation;
use crate::kernels::residual::Scale;
use crate::nn::{BatchNormSite, Layer, Network, Node, Parameter, ShortcutSite};
use crate::reference::{
    self, Mode, Noise, Shape,
    activation::Site,
    batchnorm::{BatchNorm, Fused, Statistics},
    conv::Conv,
    dropconnect::DropConnect,
    linear::Linear,
    residual,
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
    /// Largest error of that mean's own rounding: one number is too few for a random one.
    pub loss_rounding: f64,
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
    fn most(&self, terms: usize, size: f64) -> f64 {
        self.amplitude * ULP / 2.0 * terms as f64 * size
    }

    /// A sum of `terms` terms of size `size` has partial sums of up to sqrt(terms)*size, and sqrt(terms) roundings
    /// of these that do not cancel: terms*size*u. An exact 0 is what was cut off or dropped: f32 has it too.
    fn apply(&mut self, values: &mut [f64], terms: usize, size: f64) {
        if self.amplitude > 0.0 {
            let most = self.most(terms, size);
            for value in values.iter_mut().filter(|value| **value != 0.0) {
                *value += most * (2.0 * self.sequence.uniform() - 1.0);
            }
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
    /// The parameters as this pass uses them: those of `given`, but for DropConnect.
    parameters: Vec<Vec<f64>>,
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
        let parameters = given.parameters.clone();
        let mut run = Run { network, given, parameters, blur, values, used, gradients, twin };
        run.connect();
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
        let shortcut = self.shortcut(site.shortcut, self.network.nodes[index].shape[2]);
        let [gamma, beta] = [site.gamma, site.gamma + 1].map(|i| self.given.parameters[i].as_slice());
        let norm = BatchNorm { gamma, beta, eps: f64::from(self.network.bn_eps) };
        let statistics = self.used[index].as_ref().expect("set in the forward pass");
        self.site(&site.activation, site.noise, |act| {
            f(Fused { norm, statistics, shortcut: shortcut.as_deref(), site: act })
        })
    }

    /// What a shortcut adds to a tensor of this many channels.
    fn shortcut(&self, site: ShortcutSite, channels: usize) -> Option<Vec<f64>> {
        match site {
            ShortcutSite::None => None,
            ShortcutSite::Same(value) => Some(self.values[value].clone()),
            ShortcutSite::Padded(value) => {
                Some(residual::shortcut_forward(&self.values[value], self.shape(value), channels))
            }
        }
    }

    /// DropConnect's factor of each element of a parameter, where there is one.
    fn connections(&self, parameter: &Parameter) -> Option<Vec<f64>> {
        let site = self.network.dropconnect.filter(|site| site.acts_on(parameter))?;
        let noise = self.noise(Stream::Dropout, site.noise);
        let drop = DropConnect { rate: f64::from(site.rate), noise, mode: self.given.mode };
        let stored: Vec<f32> =
            (parameter.first..parameter.first + parameter.words).map(|word| drop.mask(word) as f32).collect();
        Some(parameter.unpack(&stored).into_iter().map(f64::from).collect())
    }

    fn connect(&mut self) {
        for (index, parameter) in self.network.parameters.iter().enumerate() {
            let Some(factors) = self.connections(parameter) else { continue };
            self.parameters[index].iter_mut().zip(factors).for_each(|(weight, factor)| *weight *= factor);
        }
    }

    /// From the gradients of the weights that the pass used to those of the weights.
    fn disconnect(&mut self) {
        for (index, parameter) in self.network.parameters.iter().enumerate() {
            let Some(factors) = self.connections(parameter) else { continue };
            self.gradients[index].iter_mut().zip(factors).for_each(|(gradient, factor)| *gradient *= factor);
        }
    }
}

/// The twin of a branch's scale.
fn twin_scale(scale: Scale) -> residual::Scale {
    match scale {
        Scale::One => residual::Scale::One,
        Scale::StochasticDepth { survival } => {
            residual::Scale::StochasticDepth { survival: f64::from(survival) }
        }
        Scale::ShakeDrop { survival } => residual::Scale::ShakeDrop { survival: f64::from(survival) },
    }
}
