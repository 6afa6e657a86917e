//! The forward pass.

use super::{Run, size, twin_scale};
use crate::kernels::Activation;
use crate::nn::{self, BatchNormSite, Layer, Node};
use crate::reference::{
    self, Mode, Shape,
    activation::Site,
    batchnorm::{Statistics, running_update, statistics},
    bias,
    dropout::{DropBlock, Dropout},
    pool, reshape, residual,
};
use crate::rng::Stream;

impl Run<'_> {
    pub(super) fn forward(&mut self, node: &Node) -> Vec<f64> {
        let (index, shape) = (self.used.len(), self.shape(node.input));
        let x = self.values[node.input].clone();
        self.used.push(None);
        let (mut y, terms, unit) = match &node.layer {
            Layer::Conv { weight, .. } => {
                let (conv, weight) = (self.conv(node), &self.parameters[*weight]);
                let terms = conv.kernel * conv.kernel * conv.in_channels;
                (conv.forward(&x, shape, weight), terms, size(&x) * size(weight))
            }
            Layer::Bias { bias } => (bias::forward(&x, &self.parameters[*bias], shape), 1, size(&x)),
            Layer::BatchNorm(site) => {
                self.used[index] = Some(self.statistics(site, &x, shape));
                let z = self.fused(index, site, |fused| fused.preactivation(&x, shape));
                let y = self.fused(index, site, |fused| fused.forward_fused(&x, shape));
                let unit = size(&z);
                self.twin.preactivations.push(sides(&site.activation, &z));
                (y, 4, unit)
            }
            Layer::Activation { activation, learned, noise } => {
                self.twin.preactivations.push(sides(activation, &x));
                let y = self.site(activation, *noise, |site| self.activate(&site, *learned, &x, shape));
                (y, 1, size(&x))
            }
            Layer::Dropout { drop, noise, .. } => (self.drop(*drop, *noise, &x, shape), 1, size(&x)),
            Layer::Add { shortcut, scale, noise, .. } => {
                let noise = self.noise(Stream::Dropout, *noise);
                let scaled = twin_scale(*scale).forward(&x, shape, self.given.mode, noise);
                let added = self.shortcut(*shortcut, shape.c).expect("a sum has a shortcut");
                let y = residual::add(&scaled, &added);
                let unit = size(&y);
                (y, 1, unit)
            }
            Layer::Flatten => (reshape::flatten(&x, shape), 0, 0.0),
            Layer::GlobalAveragePool => {
                let pixels = shape.h * shape.w;
                (pool::forward(&x, shape), pixels, size(&x) / pixels as f64)
            }
            Layer::MaxPool { window } => {
                self.twin.preactivations.push(pool::max_margins(&x, shape, *window));
                (pool::max_forward(&x, shape, *window), 0, 0.0)
            }
            Layer::Linear { weight } => {
                let [weight, bias] = [*weight, *weight + 1].map(|i| &self.parameters[i]);
                let layer = self.linear(node);
                (layer.forward(&x, weight, bias), layer.in_features + 1, size(&x) * size(weight))
            }
        };
        self.blur.apply(&mut y, terms, unit);
        y
    }

    /// An activation of any form on x.
    fn activate(&self, site: &Site, learned: Option<usize>, x: &[f64], shape: Shape) -> Vec<f64> {
        let value = site.activation.functions(self.given.mode)[0];
        match (learned, site.activation.name) {
            (Some(learned), _) => site.learned_forward(&self.parameters[learned], x, shape),
            (None, "crelu") => reference::activation::doubled(value, site.parameters, x, shape),
            (None, "maxout") => reference::activation::maxout(site.parameters[0] as usize, x),
            _ => site.forward(x, shape),
        }
    }

    /// What is left of x, or with the same noise of dy.
    pub(super) fn drop(&self, drop: nn::Dropout, noise: u32, x: &[f64], shape: Shape) -> Vec<f64> {
        let noise = self.noise(Stream::Dropout, noise);
        match (self.given.mode, drop) {
            (Mode::Eval, _) => x.to_vec(),
            (Mode::Train, nn::Dropout::Elements { rate }) => {
                Dropout { rate: f64::from(rate), noise }.forward(x, shape)
            }
            (Mode::Train, nn::Dropout::Blocks { rate, block }) => {
                let block = block.min(shape.h).min(shape.w);
                let gamma = DropBlock::gamma_of(f64::from(rate), block, shape);
                DropBlock { gamma, block, noise }.forward(x, shape)
            }
        }
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
}

/// Numbers whose signs say on which side of its kinks an activation is: what it is applied to, or for pieces their
/// differences.
fn sides(activation: &Activation, x: &[f64]) -> Vec<f64> {
    match activation.pieces() {
        1 if activation.is_linear() => Vec::new(),
        1 => x.to_vec(),
        pieces => x.chunks_exact(pieces).flat_map(differences).collect(),
    }
}

fn differences(pieces: &[f64]) -> Vec<f64> {
    let pairs = (0..pieces.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    pairs.map(|(i, j)| pieces[i] - pieces[j]).collect()
}
