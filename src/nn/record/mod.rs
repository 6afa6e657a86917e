//! Writes a network's forward and backward pass into a plan: `forward.rs` and `backward.rs`; here is what both use.

mod backward;
mod dropconnect;
mod forward;
mod gradients;

use super::network::{BatchNormSite, Layer, Network, Node, ShortcutSite, Value};
use super::weights::{Weights, conv_of};
use super::workspace::{Workspace, batchnorm_of, dropblock_of};
use crate::gpu::{Gpu, Recorder, View};
use crate::kernels::activation::{Activation, Learned};
use crate::kernels::batchnorm::{BatchNorm, Context};
use crate::kernels::conv::{Candidate, Choices, Direction, Filters};
use crate::kernels::dropout::DropBlock;
use crate::kernels::linear::Linear;
use crate::kernels::pool::{MaxPool, Pool};
use crate::kernels::residual::{Branch, Scale, Shortcut};
use crate::kernels::{Noise, Rows};
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

    /// Whether random numbers are drawn, at a place that may draw in evaluation too.
    fn draws(&self, always: bool) -> bool {
        always || self.mode == Mode::Train
    }

    fn shortcut(&self, site: ShortcutSite) -> Shortcut {
        match site {
            ShortcutSite::None => Shortcut::None,
            ShortcutSite::Same(value) => Shortcut::Same(self.value(value)),
            ShortcutSite::Padded(value) => {
                let [height, width, channels] = self.network.shape(value);
                Shortcut::Padded { view: self.value(value), height, width, channels }
            }
        }
    }

    fn branch(&self, scale: Scale, always: bool, noise: u32) -> Branch {
        Branch { scale, train: self.draws(always), noise: self.noise(noise) }
    }

    fn learned<'a>(&self, node: &Node, activation: &'a Activation, noise: u32) -> Learned<'a> {
        let (train, noise) = (self.mode == Mode::Train, self.noise(noise));
        Learned { activation, train, noise, rows: self.rows(node.input) }
    }

    /// The learned numbers of an activation, or a bias.
    fn learned_view(&self, learned: usize) -> View {
        Weights::one(&self.weights.weight, &self.network.parameters[learned])
    }

    fn dropblock(&self, node: &Node, form: (f32, usize), noise: u32) -> DropBlock {
        let workgroup = Rows::workgroup_of(self.gpu);
        dropblock_of(self.network, node, self.batch, form, self.noise(noise), workgroup)
    }

    fn context(&self, index: usize, site: &BatchNormSite) -> Context {
        let shortcut = self.shortcut(site.shortcut);
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

    fn max_pool(&self, node: &Node, window: usize) -> MaxPool {
        let [height, width, channels] = self.network.shape(node.input);
        MaxPool { batch: self.batch, height, width, channels, window }
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
        let (filters, weight) = (self.workspace.filters.as_ref(), self.weights.used().view());
        if let Some(mut dispatch) = filters.and_then(|filters| filters.transform(&weight, backward)) {
            "parameters".clone_into(&mut dispatch.label);
            recorder.push(dispatch);
        }
    }

    /// The weights of a convolution in the form that the candidate reads.
    fn filters(&self, candidate: &Candidate, direction: Direction, weight: usize) -> Result<View> {
        let parameter = &self.network.parameters[weight];
        if candidate.filters == Filters::Plain {
            return Ok(Weights::one(self.weights.used(), parameter));
        }
        let made = self.workspace.filters.as_ref().and_then(|all| all.view(direction, parameter.first));
        made.ok_or_else(|| {
            let reason = format!("{}: no transformed weights; record the forward pass first", parameter.name);
            Error::kernel(candidate.kernel.name, reason)
        })
    }
}
