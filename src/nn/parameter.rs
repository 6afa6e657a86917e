//! The tensors of a network: what each is for, how it starts and when it is trained.

use super::Init;

/// What a parameter is for: how it is stored, initialised and decayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Convolution weights (out, in, k, k).
    ConvWeight,
    /// Linear weights (out, in).
    LinearWeight,
    /// Bias of a linear layer or a convolution (out).
    Bias,
    /// Batch norm's gamma (c).
    Gamma,
    /// Batch norm's beta (c).
    Beta,
    /// Learned numbers of an activation (c, or 1); they never decay (He et al., arXiv 1502.01852, section 2.1).
    Activation,
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

/// When a parameter is trained; at other times it keeps its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trained {
    /// In every epoch.
    #[default]
    Always,
    /// In the first epochs, so many.
    First(u32),
    /// Never.
    Never,
}

impl Trained {
    /// Whether in this epoch, from 0.
    pub fn in_epoch(self, epoch: u32) -> bool {
        match self {
            Self::Always => true,
            Self::First(epochs) => epoch < epochs,
            Self::Never => false,
        }
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
    /// When it is trained.
    pub trained: Trained,
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
