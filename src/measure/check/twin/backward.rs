//! The backward pass.

use super::{Run, size, twin_scale};
use crate::nn::{BatchNormSite, Layer, Node, ShortcutSite};
use crate::reference::{
    Shape,
    activation::{self, Site},
    bias,
    loss::cross_entropy,
    pool, reshape, residual,
};
use crate::rng::Stream;

impl Run<'_> {
    pub(super) fn backward(&mut self) {
        let network = self.network;
        let logits = self.values[network.logits()].clone();
        let labels = &self.given.labels;
        let loss = cross_entropy(&logits, labels, network.classes, self.given.smoothing);
        let mut dlogits = loss.dlogits;
        (self.twin.loss, self.twin.logits) = (loss.mean, logits);
        self.twin.loss_rounding = self.blur.most(8, 1.0 + loss.mean.abs());
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
        self.disconnect();
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
                let weight = &self.parameters[*weight];
                let terms = conv.kernel * conv.kernel * conv.out_channels;
                (conv.input_gradient(dy, shape, weight), terms, size(dy) * size(weight))
            }
            Layer::Bias { bias } => {
                let mut db = bias::gradient(dy, shape);
                self.blur.apply(&mut db, shape.rows(), size(dy));
                self.gradients[*bias] = db;
                (dy.to_vec(), 0, 0.0)
            }
            Layer::BatchNorm(site) => return self.backward_batchnorm(index, site, dy, &x, node.input),
            Layer::Activation { activation, learned, noise } => {
                let (dx, da) = self.site(activation, *noise, |site| {
                    self.activation_gradients(&site, *learned, dy, &x, shape)
                });
                if let (Some(learned), Some(mut da)) = (*learned, da) {
                    let terms = if da.len() == 1 { shape.len() } else { shape.rows() };
                    self.blur.apply(&mut da, terms, size(&x) * size(dy));
                    self.gradients[learned] = da;
                }
                (dx, 1, size(dy))
            }
            Layer::Dropout { drop, noise, .. } => (self.drop(*drop, *noise, dy, shape), 1, size(dy)),
            Layer::Add { shortcut, scale, noise, .. } => {
                let noise = self.noise(Stream::Dropout, *noise);
                let dx = twin_scale(*scale).backward(dy, shape, self.given.mode, noise);
                let mut all = vec![(node.input, dx)];
                all.extend(self.shortcut_gradient(*shortcut, dy.to_vec(), shape.c));
                return all;
            }
            Layer::Flatten => (reshape::flatten_backward(dy, shape), 0, 0.0),
            Layer::GlobalAveragePool => (pool::backward(dy, shape), 1, size(dy) / (shape.h * shape.w) as f64),
            Layer::MaxPool { window } => (pool::max_backward(dy, &x, shape, *window), 0, 0.0),
            Layer::Linear { weight } => {
                let (layer, batch) = (self.linear(node), self.given.labels.len());
                let (mut dw, mut db) = (layer.weight_gradient(&x, dy), layer.bias_gradient(dy));
                self.blur.apply(&mut dw, batch, size(&x) * size(dy));
                self.blur.apply(&mut db, batch, size(dy));
                (self.gradients[*weight], self.gradients[*weight + 1]) = (dw, db);
                let weight = &self.parameters[*weight];
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
        all.extend(self.shortcut_gradient(site.shortcut, dz, shape.c));
        all
    }

    /// The gradient of the value that a shortcut adds.
    fn shortcut_gradient(
        &self,
        site: ShortcutSite,
        dz: Vec<f64>,
        channels: usize,
    ) -> Option<(usize, Vec<f64>)> {
        match site {
            ShortcutSite::None => None,
            ShortcutSite::Same(value) => Some((value, dz)),
            ShortcutSite::Padded(value) => {
                Some((value, residual::shortcut_backward(&dz, self.shape(value), channels)))
            }
        }
    }

    /// dx, and the gradient of the learned numbers where there are some.
    fn activation_gradients(
        &self,
        site: &Site,
        learned: Option<usize>,
        dy: &[f64],
        x: &[f64],
        shape: Shape,
    ) -> (Vec<f64>, Option<Vec<f64>>) {
        let (derivative, parameters) = (site.activation.functions(self.given.mode)[1], site.parameters);
        match (learned, site.activation.name) {
            (Some(learned), _) => {
                let (dx, da) = site.learned_backward(&self.parameters[learned], dy, x, shape);
                (dx, Some(da))
            }
            (None, "crelu") => (activation::doubled_backward(derivative, parameters, dy, x, shape), None),
            (None, "maxout") => (activation::maxout_backward(parameters[0] as usize, dy, x), None),
            _ => (site.backward(dy, x, shape), None),
        }
    }
}
