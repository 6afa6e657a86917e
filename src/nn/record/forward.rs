//! The forward pass.

use super::{Mode, Pass};
use crate::Result;
use crate::gpu::{Dispatch, Recorder, View};
use crate::kernels::activation::{self, Form};
use crate::kernels::batchnorm::{BatchNorm, Statistics};
use crate::kernels::conv::Direction;
use crate::kernels::{bias, dropout, reshape};
use crate::nn::filters::TransformedFilters;
use crate::nn::network::{BatchNormSite, Dropout, Layer, Node, Value};
use crate::nn::weights::{Weights, conv_of};

impl Pass<'_> {
    /// Appends the forward pass, from the images in value 0 to the logits in the last value.
    ///
    /// # Errors
    /// A kernel that cannot take a shape, or not enough device memory.
    pub fn forward(&mut self, recorder: &mut Recorder) -> Result<()> {
        self.forward_to(self.network.nodes.len(), recorder)
    }

    /// The same for the first `nodes` nodes only.
    ///
    /// # Errors
    /// As [`Pass::forward`].
    pub fn forward_to(&mut self, nodes: usize, recorder: &mut Recorder) -> Result<()> {
        let known = self.workspace.filters.take();
        self.workspace.filters =
            TransformedFilters::of(known, self.gpu, self.network, self.choices, self.batch)?;
        self.connect_weights(recorder);
        self.transform_filters(self.mode == Mode::Train, recorder);
        for (index, node) in self.network.nodes.iter().enumerate().take(nodes) {
            let mut dispatches = self.forward_node(index, node)?;
            dispatches.extend(self.sample_connections(index, node)?);
            for mut dispatch in dispatches {
                dispatch.label.clone_from(&node.name);
                recorder.push(dispatch);
            }
        }
        Ok(())
    }

    fn forward_conv(&self, index: usize, node: &Node, weight: usize) -> Result<Vec<Dispatch>> {
        let (x, y) = (self.value(node.input), self.value(index + 1));
        let conv = conv_of(self.network, node, self.batch);
        let candidate = self.choices.get(Direction::Forward, &conv);
        let weight = self.filters(candidate, Direction::Forward, weight)?;
        let statistics = self.statistics_chunk(index).is_some();
        let (partial, most) = (self.workspace.partial.view(), self.choices.most_flops());
        conv.forward_cut(candidate, [&x, &weight], &y, &partial, statistics, most)
    }

    fn forward_batchnorm(&self, index: usize, node: &Node, site: &BatchNormSite) -> Vec<Dispatch> {
        let (x, y) = (self.value(node.input), self.value(index + 1));
        let norm = self.batchnorm(index);
        let (statistics, left) = self.statistics(index, &norm, site);
        let mut dispatches = Vec::new();
        if self.mode == Mode::Train && !left {
            dispatches.push(norm.statistics(&x, &statistics.partial));
        }
        dispatches.push(norm.forward(&self.context(index, site), &statistics, &x, &y));
        dispatches
    }

    /// Where a batch norm's statistics are, and whether the convolution before it leaves them there.
    fn statistics(&self, index: usize, norm: &BatchNorm, site: &BatchNormSite) -> (Statistics, bool) {
        let (running, _) = Weights::pair(&self.weights.statistics, &self.network.statistics, site.running);
        let left = index.checked_sub(1).and_then(|before| self.statistics_chunk(before));
        let chunk = left.unwrap_or(norm.rows().reduction_chunk());
        let partial = self.workspace.partial.view().first(norm.partial_words(chunk));
        (Statistics { partial, chunk, running }, left.is_some())
    }

    /// Computes a value once more for the backward pass, where it was not kept.
    pub(super) fn recomputed(&self, value: Value) -> Option<Dispatch> {
        if !self.workspace.recomputes(self.network, value) {
            return None;
        }
        let index = value.checked_sub(1)?;
        let node = &self.network.nodes[index];
        let Layer::BatchNorm(site) = &node.layer else { return None };
        let norm = self.batchnorm(index);
        let (statistics, _) = self.statistics(index, &norm, site);
        let (x, y) = (self.value(node.input), self.value(value));
        Some(norm.forward_again(&self.context(index, site), &statistics, &x, &y))
    }

    /// Where a DropBlock keeps its counts, for this batch.
    pub(super) fn kept_counts(&self, index: usize) -> View {
        let node = &self.network.nodes[index];
        let words = match node.layer {
            Layer::Dropout { drop: Dropout::Blocks { rate, block }, .. } => {
                self.dropblock(node, (rate, block), 0).counts()
            }
            _ => 0,
        };
        self.workspace.saved(index).first(words)
    }

    fn forward_node(&self, index: usize, node: &Node) -> Result<Vec<Dispatch>> {
        let (x, y) = (self.value(node.input), self.value(index + 1));
        Ok(match &node.layer {
            Layer::Conv { weight, .. } => self.forward_conv(index, node, *weight)?,
            Layer::Bias { bias } => vec![bias::forward(self.rows(node.input), &self.learned_view(*bias), &y)],
            Layer::BatchNorm(site) => self.forward_batchnorm(index, node, site),
            Layer::Activation { activation: act, learned: Some(learned), noise } => {
                let a = self.learned_view(*learned);
                vec![self.learned(node, act, *noise).forward([&x, &a, &self.state], &y)]
            }
            Layer::Activation { activation: act, noise, .. } => {
                let (train, noise) = (self.mode == Mode::Train, self.noise(*noise));
                vec![match act.row.form {
                    Form::Doubled | Form::Pieces => {
                        activation::channels_forward(act, train, self.rows(index + 1), &x, &y)
                    }
                    _ => activation::forward(act, train, noise, self.rows(node.input), &x, &self.state, &y),
                }]
            }
            Layer::Dropout { always, .. } if !self.draws(*always) => Vec::new(),
            Layer::Dropout { drop: Dropout::Elements { rate }, noise, .. } => {
                let (noise, rows) = (self.noise(*noise), self.rows(node.input));
                vec![dropout::apply(*rate, noise, rows, &self.state, &y)]
            }
            Layer::Dropout { drop: Dropout::Blocks { rate, block }, noise, .. } => {
                let (drop, counts) = (self.dropblock(node, (*rate, *block), *noise), self.kept_counts(index));
                vec![drop.count(&self.state, &counts), drop.apply(&counts, &self.state, &y)]
            }
            Layer::Add { shortcut, scale, always, noise } => {
                let [height, width, _] = node.shape;
                let branch = self.branch(*scale, *always, *noise);
                let rows = self.rows(node.input);
                vec![branch.add(rows, [height, width], &self.shortcut(*shortcut), &self.state, &y)]
            }
            Layer::Flatten => {
                let [height, width, channels] = self.network.shape(node.input);
                vec![reshape::flatten(self.batch, height * width, channels, false, &x, &y)]
            }
            Layer::GlobalAveragePool => vec![self.pool(node).forward(&x, &y)],
            Layer::MaxPool { window } => vec![self.max_pool(node, *window).forward(&x, &y)],
            Layer::Linear { weight } => {
                let (weights, _) = Weights::pair(self.weights.used(), &self.network.parameters, *weight);
                vec![self.linear(node, *weight).forward(&x, &weights, &y)]
            }
        })
    }
}
