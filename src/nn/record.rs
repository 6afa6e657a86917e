//! Writes a network's forward and backward pass into a plan.

use super::filters::TransformedFilters;
use super::network::{BatchNormSite, Layer, Network, Node, ShortcutSite, Value};
use super::weights::{Weights, conv_of};
use super::workspace::{Workspace, batchnorm_of};
use crate::gpu::{Buffer, Dispatch, Gpu, Recorder, View};
use crate::kernels::batchnorm::{BatchNorm, Context, Statistics};
use crate::kernels::conv::{Candidate, Choices, Direction, Filters, Precision};
use crate::kernels::linear::Linear;
use crate::kernels::pool::Pool;
use crate::kernels::residual::{self, Shortcut};
use crate::kernels::{Noise, Rows, activation, dropout, optimizer};
use crate::{Error, Result};

/// Whether batch norm and stochastic layers act as in training or as in evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, random numbers.
    Train,
    /// Running statistics, expected values.
    Eval,
}

/// What the passes of a network are written with.
pub struct Pass<'a> {
    /// The device.
    pub gpu: &'a Gpu,
    /// The network.
    pub network: &'a Network,
    /// Its parameters.
    pub weights: &'a Weights,
    /// Values and gradients.
    pub workspace: &'a mut Workspace,
    /// The step's state.
    pub state: View,
    /// Seed of the random numbers.
    pub seed: u32,
    /// Images of the batch, at most the workspace's.
    pub batch: usize,
    /// Training or evaluation.
    pub mode: Mode,
    /// Which kernels compute the convolutions.
    pub choices: &'a Choices,
}

/// A gradient: where it is, and whether its buffer goes back when it was used.
#[derive(Clone)]
struct Gradient {
    view: View,
    owned: Option<Buffer>,
}

impl Pass<'_> {
    fn value(&self, value: Value) -> View {
        self.workspace.value(self.network, value, self.batch)
    }

    fn noise(&self, layer: u32) -> Noise {
        Noise { seed: self.seed, layer }
    }

    fn rows(&self, value: Value) -> Rows {
        let [height, width, channels] = self.network.shape(value);
        Rows { batch: self.batch, pixels: height * width, channels, workgroup: Rows::workgroup_of(self.gpu) }
    }

    fn context(&self, index: usize, site: &BatchNormSite) -> Context {
        let shortcut = match site.shortcut {
            ShortcutSite::None => Shortcut::None,
            ShortcutSite::Same(value) => Shortcut::Same(self.value(value)),
            ShortcutSite::Padded(value) => {
                let [height, width, channels] = self.network.shape(value);
                Shortcut::Padded { view: self.value(value), height, width, channels }
            }
        };
        Context {
            saved: self.workspace.saved(index),
            affine: Weights::pair(&self.weights.weight, &self.network.parameters, site.gamma).0,
            shortcut,
            state: self.state.clone(),
            activation: site.activation.clone(),
            train: self.mode == Mode::Train,
            noise: self.noise(site.noise),
        }
    }

    fn linear(&self, node: &Node, weight: usize) -> Linear {
        let [_, _, inputs] = self.network.shape(node.input);
        let (_, bias_offset) = Weights::pair(&self.weights.weight, &self.network.parameters, weight);
        Linear { batch: self.batch, inputs, outputs: node.shape[2], bias_offset }
    }

    fn pool(&self, node: &Node) -> Pool {
        let [height, width, channels] = self.network.shape(node.input);
        Pool { batch: self.batch, pixels: height * width, channels }
    }

    /// Appends the forward pass, from the images in value 0 to the logits in the last value.
    ///
    /// # Errors
    /// A kernel that cannot take a shape, or not enough device memory.
    pub fn forward(&mut self, recorder: &mut Recorder) -> Result<()> {
        let known = self.workspace.filters.take();
        self.workspace.filters =
            TransformedFilters::of(known, self.gpu, self.network, self.choices, self.batch)?;
        self.transform_filters(self.mode == Mode::Train, recorder);
        for (index, node) in self.network.nodes.iter().enumerate() {
            for mut dispatch in self.forward_node(index, node)? {
                dispatch.label.clone_from(&node.name);
                recorder.push(dispatch);
            }
        }
        Ok(())
    }

    fn batchnorm(&self, index: usize) -> BatchNorm {
        batchnorm_of(self.network, index, self.batch, Rows::workgroup_of(self.gpu))
    }

    /// The batch norm that follows node `index` directly, and so can take its statistics.
    fn next_batchnorm(&self, index: usize) -> Option<BatchNorm> {
        let next = self.network.nodes.get(index + 1)?;
        let follows = next.input == index + 1 && matches!(next.layer, Layer::BatchNorm(_));
        follows.then(|| self.batchnorm(index + 1))
    }

    /// Rows of the statistics' chunks that the convolution of node `index` leaves for the batch norm after it.
    fn statistics_chunk(&self, index: usize) -> Option<usize> {
        let node = self.network.nodes.get(index)?;
        if self.mode == Mode::Eval || !matches!(node.layer, Layer::Conv { .. }) {
            return None;
        }
        self.next_batchnorm(index)?;
        let conv = conv_of(self.network, node, self.batch);
        conv.statistics_chunk(self.choices.get(Direction::Forward, &conv))
    }

    /// In one dispatch for all layers, which in training serves the backward pass too.
    fn transform_filters(&self, backward: bool, recorder: &mut Recorder) {
        let (filters, weight) = (self.workspace.filters.as_ref(), self.weights.weight.view());
        if let Some(mut dispatch) = filters.and_then(|filters| filters.transform(&weight, backward)) {
            "parameters".clone_into(&mut dispatch.label);
            recorder.push(dispatch);
        }
    }

    /// The weights of a convolution in the form that the candidate reads.
    fn filters(&self, candidate: &Candidate, direction: Direction, weight: usize) -> Result<View> {
        let parameter = &self.network.parameters[weight];
        if candidate.filters == Filters::Plain {
            return Ok(Weights::one(&self.weights.weight, parameter));
        }
        let made = self.workspace.filters.as_ref().and_then(|all| all.view(direction, parameter.first));
        made.ok_or_else(|| {
            let reason = format!("{}: no transformed weights; record the forward pass first", parameter.name);
            Error::kernel(candidate.kernel.name, reason)
        })
    }

    fn forward_conv(&self, index: usize, node: &Node, weight: usize) -> Result<Dispatch> {
        let (x, y) = (self.value(node.input), self.value(index + 1));
        let conv = conv_of(self.network, node, self.batch);
        let candidate = self.choices.get(Direction::Forward, &conv);
        let weight = self.filters(candidate, Direction::Forward, weight)?;
        let statistics = self.statistics_chunk(index).is_some();
        conv.forward(candidate, [&x, &weight], &y, &self.workspace.partial.view(), statistics)
    }

    fn forward_batchnorm(&self, index: usize, node: &Node, site: &BatchNormSite) -> Vec<Dispatch> {
        let (x, y) = (self.value(node.input), self.value(index + 1));
        let norm = self.batchnorm(index);
        let (running, _) = Weights::pair(&self.weights.statistics, &self.network.statistics, site.running);
        let left = index.checked_sub(1).and_then(|before| self.statistics_chunk(before));
        let chunk = left.unwrap_or(norm.rows().reduction_chunk());
        let partial = self.workspace.partial.view().first(norm.partial_words(chunk));
        let mut dispatches = Vec::new();
        if self.mode == Mode::Train && left.is_none() {
            dispatches.push(norm.statistics(&x, &partial));
        }
        let statistics = Statistics { partial, chunk, running };
        dispatches.push(norm.forward(&self.context(index, site), &statistics, &x, &y));
        dispatches
    }

    fn forward_node(&self, index: usize, node: &Node) -> Result<Vec<Dispatch>> {
        let (x, y) = (self.value(node.input), self.value(index + 1));
        Ok(match &node.layer {
            Layer::Conv { weight, .. } => vec![self.forward_conv(index, node, *weight)?],
            Layer::BatchNorm(site) => self.forward_batchnorm(index, node, site),
            Layer::Activation { activation: act, noise } => {
                let (train, noise) = (self.mode == Mode::Train, self.noise(*noise));
                vec![activation::forward(act, train, noise, self.rows(node.input), &x, &self.state, &y)]
            }
            Layer::Dropout { rate, always, noise } => {
                let (noise, rows) = (self.noise(*noise), self.rows(node.input));
                let acts = *always || self.mode == Mode::Train;
                acts.then(|| dropout::apply(*rate, noise, rows, &self.state, &y)).into_iter().collect()
            }
            Layer::GlobalAveragePool => vec![self.pool(node).forward(&x, &y)],
            Layer::Linear { weight } => {
                let (weights, _) = Weights::pair(&self.weights.weight, &self.network.parameters, *weight);
                vec![self.linear(node, *weight).forward(&x, &weights, &y)]
            }
        })
    }

    /// Appends the backward pass, from the logits' gradient to the flat gradients of all parameters. Overwrites the
    /// convolutions' outputs.
    ///
    /// # Errors
    /// A kernel that cannot take a shape, or not enough device memory.
    pub fn backward(&mut self, dlogits: &View, recorder: &mut Recorder) -> Result<()> {
        let network = self.network;
        if self.mode == Mode::Eval {
            self.transform_filters(true, recorder);
        }
        let mut gradients: Vec<Option<Gradient>> = vec![None; network.nodes.len() + 1];
        gradients[network.logits()] = Some(Gradient { view: dlogits.clone(), owned: None });
        for (index, node) in network.nodes.iter().enumerate().rev() {
            let Some(gradient) = gradients[index + 1].take() else {
                let expected = "an output that a later layer reads".to_owned();
                return Err(Error::Shape { layer: node.name.clone(), expected, got: "none".to_owned() });
            };
            for mut dispatch in self.backward_node(index, node, gradient, &mut gradients)? {
                dispatch.label.clone_from(&node.name);
                recorder.push(dispatch);
            }
        }
        let table = self.weights.table(self.gpu, network, self.batch)?.view();
        let weights = self.weights;
        let views = [weights.partial.view(), table, weights.gradient.view(), weights.scaling.view()];
        let scaled = self.choices.precision() == Precision::Mixed;
        let mut reduce = optimizer::reduce(views.each_ref(), scaled);
        "parameters".clone_into(&mut reduce.label);
        recorder.push(reduce);
        Ok(())
    }

    fn backward_node(
        &mut self,
        index: usize,
        node: &Node,
        dy: Gradient,
        gradients: &mut [Option<Gradient>],
    ) -> Result<Vec<Dispatch>> {
        match &node.layer {
            Layer::Conv { weight, .. } => self.backward_conv(node, *weight, dy, gradients),
            Layer::BatchNorm(site) => self.backward_batchnorm(index, node, site, dy, gradients),
            Layer::Activation { activation: act, noise } => {
                let (train, x) = (self.mode == Mode::Train, self.value(node.input));
                let (noise, rows) = (self.noise(*noise), self.rows(node.input));
                let dispatch = activation::backward(act, train, noise, rows, &x, &self.state, &dy.view);
                let mut all = vec![dispatch];
                all.extend(self.pass_on(node.input, dy, gradients));
                Ok(all)
            }
            Layer::Dropout { rate, always, noise } => {
                let mut all = Vec::new();
                if *always || self.mode == Mode::Train {
                    let (noise, rows) = (self.noise(*noise), self.rows(node.input));
                    all.push(dropout::apply(*rate, noise, rows, &self.state, &dy.view));
                }
                all.extend(self.pass_on(node.input, dy, gradients));
                Ok(all)
            }
            Layer::GlobalAveragePool => {
                let dx = self.fresh(node.input)?;
                let mut all = vec![self.pool(node).backward(&dy.view, &dx.view)];
                all.extend(self.pass_on(node.input, dx, gradients));
                self.release(dy);
                Ok(all)
            }
            Layer::Linear { weight } => {
                let linear = self.linear(node, *weight);
                let (weights, _) = Weights::pair(&self.weights.weight, &self.network.parameters, *weight);
                let (gradient, _) = Weights::pair(&self.weights.gradient, &self.network.parameters, *weight);
                let mut all = vec![linear.weight_gradient(&self.value(node.input), &dy.view, &gradient)];
                if node.input != 0 {
                    let dx = self.fresh(node.input)?;
                    all.push(linear.input_gradient(&dy.view, &weights, &dx.view));
                    all.extend(self.pass_on(node.input, dx, gradients));
                }
                self.release(dy);
                Ok(all)
            }
        }
    }

    fn backward_conv(
        &mut self,
        node: &Node,
        weight: usize,
        dy: Gradient,
        gradients: &mut [Option<Gradient>],
    ) -> Result<Vec<Dispatch>> {
        let conv = conv_of(self.network, node, self.batch);
        let parameter = &self.network.parameters[weight];
        let stride = parameter.words.next_multiple_of(super::network::ALIGN);
        let partial = self.weights.partials(weight, stride, conv.splits());
        let x = self.value(node.input);
        let candidate = self.choices.get(Direction::WeightGradient, &conv);
        let mut all = vec![conv.weight_gradient(candidate, [&x, &dy.view], &partial, stride)?];
        if node.input != 0 {
            let accumulate = gradients[node.input].is_some();
            let dx = match gradients[node.input].take() {
                Some(present) => present,
                None => self.fresh(node.input)?,
            };
            let candidate = self.choices.get(Direction::InputGradient, &conv);
            let weights = self.filters(candidate, Direction::InputGradient, weight)?;
            all.push(conv.input_gradient(candidate, [&dy.view, &weights], &dx.view, accumulate)?);
            gradients[node.input] = Some(dx);
        }
        self.release(dy);
        Ok(all)
    }

    /// The gradient of x takes the place of x; the shortcut's gradient takes the place of dy.
    fn backward_batchnorm(
        &mut self,
        index: usize,
        node: &Node,
        site: &BatchNormSite,
        dy: Gradient,
        gradients: &mut [Option<Gradient>],
    ) -> Result<Vec<Dispatch>> {
        let norm = self.batchnorm(index);
        let (context, x) = (self.context(index, site), self.value(node.input));
        let (affine_gradient, _) =
            Weights::pair(&self.weights.gradient, &self.network.parameters, site.gamma);
        let partial = self.workspace.partial.view().first(norm.partial_words(norm.rows().reduction_chunk()));
        let mut all = vec![
            norm.backward_reduce(&context, &x, &dy.view, &partial),
            norm.backward(&context, &dy.view, &partial, &affine_gradient, &x),
        ];
        gradients[node.input] = Some(Gradient { view: x, owned: None });
        match site.shortcut {
            ShortcutSite::None => self.release(dy),
            ShortcutSite::Same(value) => all.extend(self.pass_on(value, dy, gradients)),
            ShortcutSite::Padded(value) => {
                let dx = self.fresh(value)?;
                let from = self.network.shape(value);
                all.push(residual::backward(self.batch, node.shape, from, &dy.view, &dx.view));
                all.extend(self.pass_on(value, dx, gradients));
                self.release(dy);
            }
        }
        Ok(all)
    }

    /// A new gradient buffer for a value.
    fn fresh(&mut self, value: Value) -> Result<Gradient> {
        let words = self.network.words(value, self.workspace.gradient_batch());
        let buffer = self.workspace.take(self.gpu, words)?;
        let view = buffer.view().first(self.network.words(value, self.batch));
        Ok(Gradient { view, owned: Some(buffer) })
    }

    /// Makes `gradient` the gradient of `value`, or adds it to what other readers of the value gave.
    fn pass_on(
        &mut self,
        value: Value,
        gradient: Gradient,
        gradients: &mut [Option<Gradient>],
    ) -> Option<Dispatch> {
        let Some(present) = &gradients[value] else {
            gradients[value] = Some(gradient);
            return None;
        };
        let [height, width, _] = self.network.shape(value);
        let shortcut = Shortcut::Same(gradient.view.clone());
        let sum = residual::add(self.rows(value), height, width, &shortcut, &present.view);
        self.release(gradient);
        Some(sum)
    }

    fn release(&mut self, gradient: Gradient) {
        if let Some(buffer) = gradient.owned {
            self.workspace.give(buffer);
        }
    }
}
