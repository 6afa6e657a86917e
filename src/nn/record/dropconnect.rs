//! DropConnect in a pass: the weights that it uses, their gradients, and Gaussian samples at test time.

use super::{Mode, Pass};
use crate::Result;
use crate::gpu::{Buffer, Dispatch, Recorder, View};
use crate::kernels::conv::{Choices, Direction, MadeFor};
use crate::kernels::dropconnect::{self, DropConnect};
use crate::nn::network::{DropConnectSite, Layer, Node};
use crate::nn::weights::{Connections, Weights, conv_of};

impl Pass<'_> {
    /// The pass' own network says how; the weights may have been made for one that draws nothing in evaluation.
    fn connections(&self) -> Option<(DropConnectSite, &Connections)> {
        Some((self.network.dropconnect?, self.weights.dropconnect.as_ref()?))
    }

    fn dropconnect(&self, site: DropConnectSite) -> DropConnect {
        DropConnect { rate: site.rate, noise: self.noise(site.noise) }
    }

    /// Whether masks are drawn, not Gaussians and not the mean.
    fn draws_masks(&self, site: DropConnectSite) -> bool {
        self.mode == Mode::Train || (site.always && !site.gaussian)
    }

    /// Whether Gaussians are drawn.
    fn draws_gaussians(&self, site: DropConnectSite) -> bool {
        self.mode == Mode::Eval && site.always && site.gaussian
    }

    /// Makes the weights that the layers of this pass read.
    pub(super) fn connect_weights(&self, recorder: &mut Recorder) {
        let Some((site, all)) = self.connections() else { return };
        let views = [self.weights.weight.view(), all.dropped.view(), self.state.clone()];
        let drop = self.dropconnect(site);
        let mut push = |mut dispatch: Dispatch| {
            "parameters".clone_into(&mut dispatch.label);
            recorder.push(dispatch);
        };
        push(drop.weights(self.draws_masks(site), views.each_ref(), &all.connected.view()));
        if let Some(variance) = all.variance.as_ref().filter(|_| self.draws_gaussians(site)) {
            push(drop.variances(views.each_ref(), &variance.view()));
        }
    }

    /// From the gradients of the weights that the pass read to those of the weights.
    pub(super) fn disconnect_gradients(&self, recorder: &mut Recorder) {
        let Some((site, all)) = self.connections() else { return };
        let gradient = self.weights.gradient.view();
        let mut dispatch = self.dropconnect(site).gradient(
            self.draws_masks(site),
            &all.dropped.view(),
            &self.state,
            &gradient,
        );
        "parameters".clone_into(&mut dispatch.label);
        recorder.push(dispatch);
    }

    /// Adds to a layer's output a Gaussian with the variance that masks would give it (Wan et al., ICML 2013, section 4).
    pub(super) fn sample_connections(&mut self, index: usize, node: &Node) -> Result<Vec<Dispatch>> {
        let (weights, network) = (self.weights, self.network);
        let (Some(site), Some(all)) = (network.dropconnect, &weights.dropconnect) else {
            return Ok(Vec::new());
        };
        let (Layer::Conv { weight, .. } | Layer::Linear { weight }) = node.layer else {
            return Ok(Vec::new());
        };
        let parameter = &self.network.parameters[weight];
        let Some(variances) = all.variance.as_ref().filter(|_| self.draws_gaussians(site)) else {
            return Ok(Vec::new());
        };
        if !site.acts_on(parameter) {
            return Ok(Vec::new());
        }
        let (x, y) = (self.value(node.input), self.value(index + 1));
        let squares = self.workspace.take(self.gpu, x.len_words())?;
        let variance = self.workspace.take(self.gpu, y.len_words())?;
        let (squared, sum) = (squares.view().first(x.len_words()), variance.view().first(y.len_words()));
        let noise = self.noise(site.noise + 1 + index as u32);
        let mut dispatches = vec![dropconnect::square(&x, &squared)];
        dispatches.extend(self.variance_of(node, weight, variances, [&squared, &sum])?);
        dispatches.push(dropconnect::sample(noise, &sum, &self.state, &y));
        self.workspace.give(squares);
        self.workspace.give(variance);
        Ok(dispatches)
    }

    /// The layer on squares with the weights' variances.
    fn variance_of(
        &self,
        node: &Node,
        weight: usize,
        variances: &Buffer,
        [x, y]: [&View; 2],
    ) -> Result<Vec<Dispatch>> {
        let parameters = &self.network.parameters;
        if let Layer::Linear { .. } = node.layer {
            // The bias' place holds zeros: it has no variance.
            let (weights, _) = Weights::pair(variances, parameters, weight);
            return Ok(vec![self.linear(node, weight).forward(x, &weights, y)]);
        }
        let weights = Weights::one(variances, &parameters[weight]);
        let conv = conv_of(self.network, node, self.batch);
        let plain = Choices::made_for(MadeFor::Comparison);
        let candidate = plain.get(Direction::Forward, &conv);
        let (partial, most) = (self.workspace.partial.view(), self.choices.most_flops());
        conv.forward_cut(candidate, [x, &weights], y, &partial, false, most)
    }
}
