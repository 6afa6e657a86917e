//! A network as data: layers in order, with the values between them and the parameters they own.

pub use super::parameter::{Parameter, Role, Trained};
use crate::kernels::residual::Scale;
use crate::kernels::{Activation, groups_of_four};
use crate::{Error, Result};

/// Number of a value: 0 is the image, n the output of node n - 1.
pub type Value = usize;

/// Parts of the flat buffers start at multiples of this many words: WebGPU's binding alignment of 256 bytes.
pub const ALIGN: usize = 64;

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

impl ShortcutSite {
    /// The value that is added.
    pub fn value(self) -> Option<Value> {
        match self {
            Self::None => None,
            Self::Same(value) | Self::Padded(value) => Some(value),
        }
    }
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

/// What a dropout layer sets to 0: elements (PyTorch's `Dropout`) or blocks of pixels (DropBlock).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dropout {
    /// Elements.
    Elements {
        /// Share that is dropped, in [0, 1).
        rate: f32,
    },
    /// Blocks of pixels of a channel: DropBlock.
    Blocks {
        /// Share that is dropped, about, in [0, 1).
        rate: f32,
        /// Pixels of a block's side, at least 1.
        block: usize,
    },
}

/// What a network's DropConnect is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropConnectSite {
    /// Share of weights that is dropped, in [0, 1).
    pub rate: f32,
    /// Whether the masks are for linear weights only.
    pub linear_only: bool,
    /// What evaluation draws where it draws at all: Gaussians with the masks' moments, or masks.
    pub gaussian: bool,
    /// Whether evaluation draws.
    pub always: bool,
    /// Its number among the places that draw random numbers; a node's Gaussians have the numbers after it.
    pub noise: u32,
}

impl DropConnectSite {
    /// Whether it acts on a tensor.
    pub fn acts_on(&self, parameter: &Parameter) -> bool {
        parameter.role == Role::LinearWeight || (parameter.role == Role::ConvWeight && !self.linear_only)
    }
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
    /// A convolution's bias, in place on its input.
    Bias {
        /// Index of the bias in the parameters.
        bias: usize,
    },
    /// activation(batchnorm(x) + shortcut).
    BatchNorm(BatchNormSite),
    /// An activation by itself.
    Activation {
        /// The function.
        activation: Activation,
        /// Index of its learned numbers in the parameters, where it has some.
        learned: Option<usize>,
        /// Its number among the places that draw random numbers.
        noise: u32,
    },
    /// Elements that are dropped, in place on its input.
    Dropout {
        /// Which ones.
        drop: Dropout,
        /// Whether it is at work in evaluation too.
        always: bool,
        /// Its number among the places that draw random numbers.
        noise: u32,
    },
    /// The sum of a residual block: scale x + shortcut, in place on its input.
    Add {
        /// What is added.
        shortcut: ShortcutSite,
        /// What the branch is multiplied by.
        scale: Scale,
        /// Whether the scale is drawn in evaluation too.
        always: bool,
        /// Its number among the places that draw random numbers.
        noise: u32,
    },
    /// Mean over all pixels.
    GlobalAveragePool,
    /// Greatest pixel of each window; windows lie side by side.
    MaxPool {
        /// Pixels of a window's side.
        window: usize,
    },
    /// All numbers as one row, in PyTorch's order: channel by channel.
    Flatten,
    /// Fully connected, with bias.
    Linear {
        /// Index of the weights in the parameters; the bias follows.
        weight: usize,
    },
}

impl Layer {
    /// Whether it has numbers of its own to train.
    fn is_trained(&self) -> bool {
        match self {
            Self::Conv { .. } | Self::Bias { .. } | Self::BatchNorm(_) | Self::Linear { .. } => true,
            Self::Activation { learned, .. } => learned.is_some(),
            Self::Dropout { .. }
            | Self::Add { .. }
            | Self::GlobalAveragePool
            | Self::MaxPool { .. }
            | Self::Flatten => false,
        }
    }
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
            Layer::BatchNorm(BatchNormSite { shortcut, .. }) | Layer::Add { shortcut, .. } => {
                shortcut.value()
            }
            _ => None,
        }
    }

    /// Whether its output takes the place of its input.
    pub(super) fn in_place(&self) -> bool {
        matches!(self.layer, Layer::Bias { .. } | Layer::Dropout { .. } | Layer::Add { .. })
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
    /// DropConnect, where the network has it.
    pub dropconnect: Option<DropConnectSite>,
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
                Layer::Add { scale, always, .. } => {
                    draws |= *scale != Scale::One;
                    *always = true;
                }
                _ => {}
            }
        }
        if let Some(site) = &mut self.dropconnect {
            draws = true;
            site.always = true;
        }
        if draws {
            return Ok(self);
        }
        Err(Error::usage(format!(
            "{} draws no random numbers: Monte Carlo samples need a stochastic activation, such as dropact or dropout, or a regulariser",
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

    /// What is stored of a value without the channels that only fill up: plane by plane of four channels, pixel by pixel.
    pub fn real_values(&self, value: Value, stored: &[f32]) -> Vec<f32> {
        let [height, width, channels] = self.shape(value);
        let (c4, plane) = (groups_of_four(channels), height * width * 4);
        let real = |(i, _): &(usize, &f32)| i / plane % c4 * 4 + i % 4 < channels;
        stored.iter().enumerate().filter(real).map(|(_, &value)| value).collect()
    }

    /// Whether a trained number lies before `value`, so that a gradient of it is of use.
    pub fn trained_before(&self, value: Value) -> bool {
        value.checked_sub(1).is_some_and(|index| {
            let node = &self.nodes[index];
            node.layer.is_trained()
                || self.trained_before(node.input)
                || node.shortcut().is_some_and(|shortcut| self.trained_before(shortcut))
        })
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
            let end = if node.in_place() { lives[index + 1] } else { index };
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

    /// Whether a value is so cheap to compute once more that it need not be kept: what a batch norm without a shortcut gives, where
    /// the next node, a convolution or a linear layer, is the only one that reads it.
    pub(super) fn is_cheap(&self, value: Value) -> bool {
        let Some(index) = value.checked_sub(1) else { return false };
        let made = matches!(
            self.nodes[index].layer,
            Layer::BatchNorm(BatchNormSite { shortcut: ShortcutSite::None, .. })
        );
        let reader = self.nodes.get(index + 1);
        let reads = reader.is_some_and(|node| {
            node.input == value && matches!(node.layer, Layer::Conv { .. } | Layer::Linear { .. })
        });
        made && reads && self.readers_of(value).count() == 1
    }

    /// The nodes that read a value, in order.
    pub(super) fn readers_of(&self, value: Value) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.input == value || node.shortcut() == Some(value))
    }
}
