//! Layers that drop, at the places where models put them.

use crate::config::did_you_mean;
use crate::kernels::Activation;
use crate::kernels::activation::ACTIVATIONS;
use crate::kernels::residual::Scale;
use crate::nn::{Builder, Dropout, ShortcutSite, Value};
use crate::{Error, Result};

/// What drops elements at a site.
#[derive(Clone, Debug)]
pub enum SiteDrop {
    /// A stochastic activation of the identity: dropout, alpha_dropout, gaussian_dropout, by element, channel or sample.
    Activation(Activation),
    /// DropBlock.
    Blocks {
        /// Share of elements, in [0, 1).
        rate: f32,
        /// Pixels of a block's side.
        block: usize,
    },
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropSite {
    /// Before the second convolution of each residual block; before each hidden layer but the first of an MLP.
    Block,
    /// Before the layer that gives the classes.
    Head,
    /// Behind every activation.
    Activations,
}

/// What happens to whole branches of residual blocks; the survival probability falls linearly from 1 to this one at the last
/// block (Huang et al., arXiv 1603.09382, section 3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ResidualDrop {
    /// Nothing.
    None,
    /// Stochastic depth.
    StochasticDepth {
        /// Of the last block, in (0, 1].
        survival: f32,
    },
    /// ShakeDrop.
    ShakeDrop {
        /// Of the last block, in (0, 1].
        survival: f32,
    },
}

/// Masks on weights: see [`Builder::dropconnect`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightDrop {
    /// Share of weights, in [0, 1).
    pub rate: f32,
    /// Whether only linear layers have it.
    pub linear_only: bool,
    /// Whether Monte Carlo samples draw Gaussians.
    pub gaussian: bool,
}

/// All of a model's regularisers.
#[derive(Clone, Debug)]
pub struct Regularize {
    /// What drops elements, and where.
    pub drop: Option<(SiteDrop, DropSite)>,
    /// What drops branches.
    pub residual: ResidualDrop,
    /// What drops weights.
    pub dropconnect: Option<WeightDrop>,
}

impl Default for Regularize {
    fn default() -> Self {
        Self { drop: None, residual: ResidualDrop::None, dropconnect: None }
    }
}

impl SiteDrop {
    /// Reads a SPEC: `dropblock:rate=0.1,block=7`, or a stochastic activation; one that applies a function takes the identity.
    ///
    /// # Errors
    /// An unknown name or key, a value out of its range, an activation without randomness.
    pub fn parse(spec: &str) -> Result<Self> {
        let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
        if name == "dropblock" {
            return Self::parse_blocks(rest);
        }
        if !name.ends_with(".wgsl") && ACTIVATIONS.iter().all(|row| row.name != name) {
            let known = ACTIVATIONS.iter().filter(|row| row.stochastic()).map(|row| row.name);
            let names = known.chain(["dropblock"]);
            let all: Vec<_> = names.clone().collect();
            let (all, hint) = (all.join(", "), did_you_mean(name, names));
            return Err(Error::usage(format!("unknown regularizer {name:?}: there are {all}{hint}")));
        }
        let mut activation = Activation::parse(spec)?;
        let has_function = activation.row.parameters.iter().any(|parameter| parameter.name == "of");
        if has_function && !rest.split(',').any(|pair| pair.starts_with("of=")) {
            let comma = if rest.is_empty() { "" } else { "," };
            activation = Activation::parse(&format!("{name}:of=identity{comma}{rest}"))?;
        }
        if !activation.row.stochastic() {
            return Err(Error::usage(format!(
                "{name} drops nothing: expected dropout, alpha_dropout, gaussian_dropout, dropblock or another stochastic activation"
            )));
        }
        Ok(Self::Activation(activation))
    }

    fn parse_blocks(rest: &str) -> Result<Self> {
        let (mut rate, mut block) = (0.1, 7);
        for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
            let fail = || {
                Error::usage(format!(
                    "dropblock: expected rate=0..0.99 or block=1..15 (pixels of a side), got {pair:?}"
                ))
            };
            let (key, value) = pair.split_once('=').ok_or_else(fail)?;
            match key {
                "rate" => {
                    let given = value.parse().ok().filter(|rate| (0.0..=0.99).contains(rate));
                    rate = given.ok_or_else(fail)?;
                }
                "block" => {
                    let given = value.parse().ok().filter(|block| (1..=15).contains(block));
                    block = given.ok_or_else(fail)?;
                }
                _ => return Err(fail()),
            }
        }
        Ok(Self::Blocks { rate, block })
    }
}

impl Regularize {
    /// The value behind what drops elements at this site, where the model has something there.
    pub(super) fn drop_at(&self, b: &mut Builder, site: DropSite, name: &str, x: Value) -> Result<Value> {
        match &self.drop {
            Some((drop, at)) if *at == site => match drop {
                SiteDrop::Activation(activation) => b.activation(name, x, activation),
                SiteDrop::Blocks { rate, block } => {
                    let drop = Dropout::Blocks { rate: *rate, block: *block };
                    // In place: what other layers read as well needs a place of its own.
                    let copy = b.activation(&format!("{name}.input"), x, &Activation::identity())?;
                    b.drop(name, copy, drop)
                }
            },
            _ => Ok(x),
        }
    }

    /// The scale of the branch of block `number` of `blocks`, counted from 1.
    pub(super) fn scale(&self, number: usize, blocks: usize) -> Scale {
        let at = |last: f32| (1.0 - number as f64 / blocks as f64 * (1.0 - f64::from(last))) as f32;
        match self.residual {
            ResidualDrop::None => Scale::One,
            ResidualDrop::StochasticDepth { survival } => Scale::StochasticDepth { survival: at(survival) },
            ResidualDrop::ShakeDrop { survival } => Scale::ShakeDrop { survival: at(survival) },
        }
    }

    /// activation(batchnorm(y) + shortcut), the branch scaled where branches drop; then what drops elements behind activations.
    pub(super) fn block_end(
        &self,
        b: &mut Builder,
        name: &str,
        (y, shortcut): (Value, ShortcutSite),
        activation: &Activation,
        scale: Scale,
    ) -> Result<Value> {
        let out = if scale == Scale::One {
            b.batchnorm(&format!("{name}.bn2"), y, activation, shortcut)?
        } else {
            let identity = Activation::identity();
            let y = b.batchnorm(&format!("{name}.bn2"), y, &identity, ShortcutSite::None)?;
            let sum = b.add(&format!("{name}.add"), y, shortcut, scale)?;
            b.activation(&format!("{name}.act2"), sum, activation)?
        };
        self.drop_at(b, DropSite::Activations, &format!("{name}.drop2"), out)
    }
}
