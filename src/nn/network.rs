//! A network as data: layers in order, with the values between them and the parameters they own.

use super::Init;
use crate::kernels::{Activation, groups_of_four};
use crate::{Error, Result};

/// Number of a value: 0 is the image, n the output of node n - 1.
pub type Value = usize;

/// Parts of the flat buffers start at multiples of this many words: WebGPU's binding alignment of 256 bytes.
pub const ALIGN: usize = 64;

/// What a parameter is for: how it is stored, initialised and decayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Convolution weights (out, in, k, k).
    ConvWeight,
    /// Linear weights (out, in).
    LinearWeight,
    /// Linear bias (out).
    Bias,
    /// Batch norm's gamma (c).
    Gamma,
    /// Batch norm's beta (c).
    Beta,
    /// Batch norm's running mean (c); not trained.
    RunningMean,
    /// Batch norm's running variance (c); not trained.
    RunningVar,
}

impl Role {
    /// Whether this is a matrix or filter: what "decay kernels only" means.
    pub fn is_kernel(self) -> bool {
        matches!(self, Self::ConvWeight | Self::LinearWeight)
    }
}

/// A named tensor of the network, in PyTorch's name and shape, and its place in the flat buffer.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// PyTorch's name, for example `layer1.0.bn1.weight`.
    pub name: String,
    /// PyTorch's shape.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
    /// How it starts.
    pub init: Init,
    /// First word in the flat buffer (of weights, or of running statistics).
    pub first: usize,
    /// Words as stored, channels filled up to four.
    pub words: usize,
}

impl Parameter {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a batch norm's residual connection adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortcutSite {
    /// Nothing.
    None,
    /// A value of the same shape.
    Same(Value),
    /// Option A of a value of twice the height and width.
    Padded(Value),
}

/// A batch norm with what is fused into it.
#[derive(Clone, Debug)]
pub struct BatchNormSite {
    /// Index of gamma in the parameters; beta follows.
    pub gamma: usize,
    /// Index of the running mean in the statistics; the variance follows.
    pub running: usize,
    /// What is added before the activation.
    pub shortcut: ShortcutSite,
    /// The activation after the sum.
    pub activation: Activation,
    /// Its number among the places that draw random numbers.
    pub noise: u32,
}

/// What a node computes from its input.
#[derive(Clone, Debug)]
pub enum Layer {
    /// Convolution without bias.
    Conv {
        /// Index of the weights in the parameters.
        weight: usize,
        /// Kernel height and width.
        kernel: usize,
        /// Step between output pixels.
        stride: usize,
        /// Zeros around the input.
        padding: usize,
    },
    /// activation(batchnorm(x) + shortcut).
    BatchNorm(BatchNormSite),
    /// An activation by itself.
    Activation {
        /// The function.
        activation: Activation,
        /// Its number among the places that draw random numbers.
        noise: u32,
    },
    /// Dropout, in place on its input.
    Dropout {
        /// Share of elements dropped, in [0, 1).
        rate: f32,
        /// Whether it is at work in evaluation too.
        always: bool,
        /// Its number among the places that draw random numbers.
        noise: u32,
    },
    /// Mean over all pixels.
    GlobalAveragePool,
    /// Fully connected, with bias.
    Linear {
        /// Index of the weights in the parameters; the bias follows.
        weight: usize,
    },
}

/// A layer at its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// PyTorch's module name.
    pub name: String,
    /// What it computes.
    pub layer: Layer,
    /// What it reads.
    pub input: Value,
    /// Height, width and channels of its output.
    pub shape: [usize; 3],
}

impl Node {
    /// The value that its residual connection adds.
    fn shortcut(&self) -> Option<Value> {
        match &self.layer {
            Layer::BatchNorm(BatchNormSite {
                shortcut: ShortcutSite::Same(value) | ShortcutSite::Padded(value),
                ..
            }) => Some(*value),
            _ => None,
        }
    }
}

/// A network: nodes in the order of computation. The last value is the logits.
#[derive(Clone, Debug)]
pub struct Network {
    /// The model's name, for example `resnet56`.
    pub name: String,
    /// Height, width and channels of an image.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Layers in order.
    pub nodes: Vec<Node>,
    /// Trained tensors in the order of the flat buffer.
    pub parameters: Vec<Parameter>,
    /// Running statistics in the order of their flat buffer.
    pub statistics: Vec<Parameter>,
    /// Share of the batch in the running statistics, as PyTorch counts it.
    pub bn_momentum: f32,
    /// Added to variances.
    pub bn_eps: f32,
}

impl Network {
    /// The same network with its random numbers in evaluation too, for Monte Carlo estimates: activations in their training
    /// form, dropout at work, batch norm still with running statistics.
    ///
    /// # Errors
    /// A network without random numbers.
    pub fn with_noise_in_evaluation(mut self) -> Result<Self> {
        let mut draws = false;
        for node in &mut self.nodes {
            match &mut node.layer {
                Layer::BatchNorm(BatchNormSite { activation, .. }) | Layer::Activation { activation, .. } => {
                    draws |= activation.row.stochastic();
                    *activation = activation.with_noise_in_evaluation();
                }
                Layer::Dropout { always, .. } => {
                    draws = true;
                    *always = true;
                }
                _ => {}
            }
        }
        if draws {
            return Ok(self);
        }
        Err(Error::usage(format!(
            "{} draws no random numbers: Monte Carlo samples need a stochastic activation, such as dropact or dropout",
            self.name
        )))
    }

    /// Height, width and channels of a value.
    pub fn shape(&self, value: Value) -> [usize; 3] {
        if value == 0 { self.input } else { self.nodes[value - 1].shape }
    }

    /// Words of a value for `batch` images, channels filled up to four.
    pub fn words(&self, value: Value, batch: usize) -> usize {
        let [height, width, channels] = self.shape(value);
        batch * height * width * groups_of_four(channels) * 4
    }

    /// The logits' value.
    pub fn logits(&self) -> Value {
        self.nodes.len()
    }

    /// Number of trained numbers, as PyTorch counts them.
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(Parameter::len).sum()
    }

    /// Multiply-adds of one image's forward pass, in convolutions and linear layers.
    pub fn macs(&self) -> u64 {
        let macs = |node: &Node| match node.layer {
            Layer::Conv { weight, .. } => {
                (node.shape[0] * node.shape[1] * self.parameters[weight].len()) as u64
            }
            Layer::Linear { weight } => self.parameters[weight].len() as u64,
            _ => 0,
        };
        self.nodes.iter().map(macs).sum()
    }

    /// Words of a flat buffer that holds these tensors.
    pub(super) fn flat_words(tensors: &[Parameter]) -> usize {
        tensors.last().map_or(ALIGN, |last| last.first + last.words.next_multiple_of(ALIGN))
    }

    /// The last node that uses each value, by itself or in place as another value. The logits outlive all nodes.
    pub(super) fn lives(&self) -> Vec<usize> {
        let mut lives = vec![0; self.nodes.len() + 1];
        lives[self.logits()] = self.nodes.len();
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let end = if matches!(node.layer, Layer::Dropout { .. }) { lives[index + 1] } else { index };
            lives[node.input] = lives[node.input].max(end);
            if let Some(value) = node.shortcut() {
                lives[value] = lives[value].max(index);
            }
        }
        lives
    }

    /// Bytes that a training step would take for values and their gradients if each had a buffer of its own.
    pub fn unshared_bytes(&self, batch: usize) -> u64 {
        (0..=self.nodes.len()).map(|value| 2 * 4 * self.words(value, batch) as u64).sum()
    }

    /// How often each value is read.
    pub(super) fn readers(&self) -> Vec<usize> {
        let mut readers = vec![0; self.nodes.len() + 1];
        for node in &self.nodes {
            readers[node.input] += 1;
            if let Some(value) = node.shortcut() {
                readers[value] += 1;
            }
        }
        readers
    }
}
