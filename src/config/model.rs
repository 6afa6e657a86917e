//! The sections that say more about the model: how weights start, and what drops.

use serde::{Deserialize, Serialize};

/// `[weights]`: how weights start. The same seed gives the same weights for every activation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeightsConfig {
    /// Convolutions and linear layers: `"model"` (as the model's authors did), or `he_`, `glorot_` or `lecun_` with `normal`
    /// (PyTorch's), `truncated` (Keras' normal) or `uniform`, `he_normal_fan_out`, `orthogonal`, `lsuv` (orthogonal, then
    /// scaled by the network's own outputs on a batch), `dirac`, `dirac_uniform`
    /// (the identity on the first filters), `torch_uniform` (PyTorch's default), `looks_linear` (with crelu), `zeros`, `ones`. Default `"model"`.
    pub kernels: String,
    /// The same for the layer that gives the classes. Default `"model"`.
    pub output: String,
}

impl Default for WeightsConfig {
    fn default() -> Self {
        Self { kernels: "model".into(), output: "model".into() }
    }
}

/// `[regularize]`: layers that drop something in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegularizeConfig {
    /// What drops elements: `"none"`, `dropout:rate=0.3` (also `unit=channel`: spatial dropout), `alpha_dropout`,
    /// `gaussian_dropout`, `dropblock:rate=0.1,block=7`, or any stochastic activation. Default `"none"`.
    pub drop: String,
    /// Where it stands: `"block"`, before the second convolution of each residual block and between an MLP's hidden layers;
    /// `"head"`, before the layer that gives the classes; `"activations"`, behind every activation. Default `"block"`.
    pub drop_at: DropAt,
    /// What drops branches of residual blocks, image by image: `"none"`, `"stochastic_depth"`, `"shakedrop"`. Default `"none"`.
    pub residual: ResidualKind,
    /// Survival probability of the last block's branch, above 0 and at most 1; it falls linearly from 1. Default 0.5.
    pub survival: f64,
    /// DropConnect: share of weights that is dropped for a batch, at least 0 (none) and below 1. Default 0.
    pub dropconnect: f64,
    /// The weights that it drops: `"linear"` or `"all"`, convolutions as well. Default `"linear"`.
    pub dropconnect_on: DropConnectOn,
    /// What `eval --mc-samples` draws for it: `"gaussian"`, with the moments that the masks give each sum, or `"masks"`.
    /// Default `"gaussian"`.
    pub dropconnect_samples: DropConnectSamples,
}

impl Default for RegularizeConfig {
    fn default() -> Self {
        Self {
            drop: "none".into(),
            drop_at: DropAt::Block,
            residual: ResidualKind::None,
            survival: 0.5,
            dropconnect: 0.0,
            dropconnect_on: DropConnectOn::Linear,
            dropconnect_samples: DropConnectSamples::Gaussian,
        }
    }
}

/// Where elements are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropAt {
    /// `"block"`: before the second convolution of each residual block, between the hidden layers of an MLP.
    Block,
    /// `"head"`: before the layer that gives the classes.
    Head,
    /// `"activations"`: behind every activation.
    Activations,
}

/// What drops branches of residual blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResidualKind {
    /// `"none"`
    None,
    /// `"stochastic_depth"`: Huang et al., arXiv 1603.09382.
    StochasticDepth,
    /// `"shakedrop"`: Yamada et al., arXiv 1802.02375.
    #[serde(rename = "shakedrop")]
    ShakeDrop,
}

/// The weights that DropConnect drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropConnectOn {
    /// `"linear"`: those of linear layers.
    Linear,
    /// `"all"`: those of convolutions too.
    All,
}

/// What Monte Carlo samples draw for DropConnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropConnectSamples {
    /// `"gaussian"`: Wan et al., ICML 2013, section 4.
    Gaussian,
    /// `"masks"`: as in training.
    Masks,
}
