//! The backward pass.

use super::gradients::Gradient;
use super::{Mode, Pass};
use crate::gpu::{Dispatch, Recorder, View};
use crate::kernels::activation::{self, Form};
use crate::kernels::conv::{Direction, Precision};
use crate::kernels::residual::Scale;
use crate::kernels::{Activation, bias, dropout, optimizer, reshape, residual};
use crate::nn::network::{ALIGN, BatchNormSite, Dropout, Layer, Node, ShortcutSite};
use crate::nn::weights::{Weights, conv_of};
use crate::{Error, Result};

type Gradients = [Option<Gradient>];

impl Pass<'_> {
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
        gradients[network.logits()] = Some(Gradient::at(dlogits.clone()));
        for (index, node) in network.nodes.iter().enumerate().rev() {
            if !network.trained_before(index + 1) {
                continue;
            }
            let Some(gradient) = gradients[index + 1].take() else {
                let expected = "an output that a later layer reads".to_owned();
                return Err(Error::Shape { layer: node.name.clone(), expected, got: "none".to_owned() });
            };
            let again = self.recomputed(node.input);
            for mut dispatch in
                again.into_iter().chain(self.backward_node(index, node, gradient, &mut gradients)?)
            {
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
        self.disconnect_gradients(recorder);
        Ok(())
    }

    fn backward_node(
        &mut self,
        index: usize,
        node: &Node,
        dy: Gradient,
        gradients: &mut Gradients,
    ) -> Result<Vec<Dispatch>> {
        match &node.layer {
            Layer::Conv { weight, .. } => self.backward_conv(node, *weight, dy, gradients),
            Layer::BatchNorm(site) => self.backward_batchnorm(index, node, site, dy, gradients),
            Layer::Activation { activation, learned, noise } => {
                self.backward_activation(index, node, (activation, *learned, *noise), dy, gradients)
            }
            Layer::Bias { bias } => {
                let rows = self.rows(node.input);
                let (partial, stride) = self.partials(*bias, rows.reduction_chunks());
                let mut all = vec![bias::gradient(rows, &dy.view, &partial, stride)];
                self.pass_on(node.input, dy, gradients, &mut all)?;
                Ok(all)
            }
            Layer::Dropout { .. } => self.backward_drop(index, node, dy, gradients),
            Layer::Add { shortcut, scale, always, noise } => {
                let branch = (*scale != Scale::One).then(|| self.branch(*scale, *always, *noise));
                self.backward_add(node, *shortcut, branch, dy, gradients)
            }
            Layer::GlobalAveragePool => {
                let dx = self.fresh(node.input)?;
                let mut all = vec![self.pool(node).backward(&dy.view, &dx.view)];
                self.release(dy);
                self.pass_on(node.input, dx, gradients, &mut all)?;
                Ok(all)
            }
            Layer::MaxPool { window } => {
                let (x, dx) = (self.value(node.input), self.fresh(node.input)?);
                let pool = self.max_pool(node, *window);
                let mut all = vec![pool.backward([&x, &dy.view], &dx.view)];
                self.release(dy);
                self.pass_on(node.input, dx, gradients, &mut all)?;
                Ok(all)
            }
            Layer::Flatten => {
                let dx = self.fresh(node.input)?;
                let [height, width, channels] = self.network.shape(node.input);
                let (batch, pixels) = (self.batch, height * width);
                let mut all = vec![reshape::flatten(batch, pixels, channels, true, &dy.view, &dx.view)];
                self.release(dy);
                self.pass_on(node.input, dx, gradients, &mut all)?;
                Ok(all)
            }
            Layer::Linear { weight } => self.backward_linear(node, *weight, dy, gradients),
        }
    }

    fn backward_linear(
        &mut self,
        node: &Node,
        weight: usize,
        dy: Gradient,
        gradients: &mut Gradients,
    ) -> Result<Vec<Dispatch>> {
        let linear = self.linear(node, weight);
        let (weights, _) = Weights::pair(self.weights.used(), &self.network.parameters, weight);
        let (gradient, _) = Weights::pair(&self.weights.gradient, &self.network.parameters, weight);
        let mut all = vec![linear.weight_gradient(&self.value(node.input), &dy.view, &gradient)];
        if self.network.trained_before(node.input) {
            let dx = self.fresh(node.input)?;
            all.push(linear.input_gradient(&dy.view, &weights, &dx.view));
            self.pass_on(node.input, dx, gradients, &mut all)?;
        }
        self.release(dy);
        Ok(all)
    }

    fn backward_activation(
        &mut self,
        index: usize,
        node: &Node,
        (act, learned, noise): (&Activation, Option<usize>, u32),
        dy: Gradient,
        gradients: &mut Gradients,
    ) -> Result<Vec<Dispatch>> {
        let (train, x) = (self.mode == Mode::Train, self.value(node.input));
        let rows = self.rows(node.input);
        let mut all = Vec::new();
        if matches!(act.row.form, Form::Doubled | Form::Pieces) {
            let dx = self.fresh(node.input)?;
            all.push(activation::channels_backward(act, train, rows, [&x, &dy.view], &dx.view));
            self.release(dy);
            self.pass_on(node.input, dx, gradients, &mut all)?;
            return Ok(all);
        }
        let dy = self.writable(index + 1, dy, &mut all)?;
        all.push(match learned {
            Some(learned) => {
                let site = self.learned(node, act, noise);
                let (partial, stride) = self.partials(learned, site.splits());
                let a = self.learned_view(learned);
                site.backward([&x, &a, &self.state], &dy.view, &partial, stride)
            }
            None => activation::backward(act, train, self.noise(noise), rows, &x, &self.state, &dy.view),
        });
        self.pass_on(node.input, dy, gradients, &mut all)?;
        Ok(all)
    }

    /// Where a parameter's gradient goes in parts, and the words from part to part.
    fn partials(&self, parameter: usize, splits: usize) -> (View, usize) {
        let stride = self.network.parameters[parameter].words.next_multiple_of(ALIGN);
        (self.weights.partials(parameter, stride, splits), stride)
    }

    fn backward_drop(
        &mut self,
        index: usize,
        node: &Node,
        dy: Gradient,
        gradients: &mut Gradients,
    ) -> Result<Vec<Dispatch>> {
        let Layer::Dropout { drop, always, noise } = node.layer else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        if !self.draws(always) {
            self.pass_on(node.input, dy, gradients, &mut all)?;
            return Ok(all);
        }
        let dy = self.writable(index + 1, dy, &mut all)?;
        all.push(match drop {
            Dropout::Elements { rate } => {
                dropout::apply(rate, self.noise(noise), self.rows(node.input), &self.state, &dy.view)
            }
            Dropout::Blocks { rate, block } => {
                let counts = self.kept_counts(index);
                self.dropblock(node, (rate, block), noise).apply(&counts, &self.state, &dy.view)
            }
        });
        self.pass_on(node.input, dy, gradients, &mut all)?;
        Ok(all)
    }

    /// The sum's gradient is the shortcut's, and the branch's but for its scale.
    fn backward_add(
        &mut self,
        node: &Node,
        shortcut: ShortcutSite,
        branch: Option<residual::Branch>,
        dy: Gradient,
        gradients: &mut Gradients,
    ) -> Result<Vec<Dispatch>> {
        let mut all = Vec::new();
        let dx = match branch {
            None => dy.clone(),
            Some(branch) => {
                let dx = self.fresh(node.input)?;
                all.push(branch.backward(self.rows(node.input), &dy.view, &self.state, &dx.view));
                dx
            }
        };
        self.pass_on(node.input, dx, gradients, &mut all)?;
        self.backward_shortcut(node, shortcut, dy, gradients, &mut all)?;
        Ok(all)
    }

    fn backward_shortcut(
        &mut self,
        node: &Node,
        shortcut: ShortcutSite,
        dy: Gradient,
        gradients: &mut Gradients,
        all: &mut Vec<Dispatch>,
    ) -> Result<()> {
        match shortcut {
            ShortcutSite::None => self.release(dy),
            ShortcutSite::Same(value) => self.pass_on(value, dy, gradients, all)?,
            ShortcutSite::Padded(value) => {
                let dx = self.fresh(value)?;
                let from = self.network.shape(value);
                all.push(residual::backward(self.batch, node.shape, from, &dy.view, &dx.view));
                self.release(dy);
                self.pass_on(value, dx, gradients, all)?;
            }
        }
        Ok(())
    }

    fn backward_conv(
        &mut self,
        node: &Node,
        weight: usize,
        dy: Gradient,
        gradients: &mut Gradients,
    ) -> Result<Vec<Dispatch>> {
        let conv = conv_of(self.network, node, self.batch);
        let (partial, stride) = self.partials(weight, conv.splits());
        let x = self.value(node.input);
        let candidate = self.choices.get(Direction::WeightGradient, &conv);
        let most = self.choices.most_flops();
        let mut all = conv.weight_gradient_cut(candidate, [&x, &dy.view], &partial, stride, most)?;
        if self.network.trained_before(node.input) {
            // Added in the kernel, but to what another layer still reads.
            let present = gradients[node.input].take_if(|present| present.is_exclusive());
            let accumulate = present.is_some();
            let dx = match present {
                Some(present) => present,
                None => self.fresh(node.input)?,
            };
            let candidate = self.choices.get(Direction::InputGradient, &conv);
            let weights = self.filters(candidate, Direction::InputGradient, weight)?;
            let views = [&dy.view, &weights];
            all.extend(conv.input_gradient_cut(candidate, views, &dx.view, accumulate, most)?);
            self.pass_on(node.input, dx, gradients, &mut all)?;
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
        gradients: &mut Gradients,
    ) -> Result<Vec<Dispatch>> {
        let mut all = Vec::new();
        let dy = self.writable(index + 1, dy, &mut all)?;
        let norm = self.batchnorm(index);
        let (context, x) = (self.context(index, site), self.value(node.input));
        let (affine_gradient, _) =
            Weights::pair(&self.weights.gradient, &self.network.parameters, site.gamma);
        let partial = self.workspace.partial.view().first(norm.partial_words(norm.rows().reduction_chunk()));
        all.push(norm.backward_reduce(&context, &x, &dy.view, &partial));
        all.push(norm.backward(&context, &dy.view, &partial, &affine_gradient, &x));
        if self.network.trained_before(node.input) {
            // Nothing needs x any more: a batch norm is the first to read it, so the last to be here.
            self.pass_on(node.input, Gradient::at(x), gradients, &mut all)?;
        }
        self.backward_shortcut(node, site.shortcut, dy, gradients, &mut all)?;
        Ok(all)
    }
}
