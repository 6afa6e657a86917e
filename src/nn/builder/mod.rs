//! Writes a network, layer by layer, with shapes checked as it goes.

mod layers;
mod weighted;

use super::network::{ALIGN, DropConnectSite, Layer, Network, Node, Parameter, Role, Trained, Value};
use super::{Init, network};
use crate::kernels::groups_of_four;
use crate::{Error, Result};

/// A network under construction.
///
/// ```
/// use wgrad::{kernels::Activation, nn::{Builder, ShortcutSite}};
///
/// let mut b = Builder::new("tiny", [8, 8, 3], 10);
/// let relu = Activation::parse("relu")?;
/// let x = b.conv("conv1", b.image(), 16, 3, 1, 1)?;
/// let x = b.batchnorm("bn1", x, &relu, ShortcutSite::None)?;
/// let y = b.conv("conv2", x, 16, 3, 1, 1)?;
/// let y = b.batchnorm("bn2", y, &relu, ShortcutSite::Same(x))?;
/// let y = b.global_average_pool("pool", y);
/// b.linear("linear", y, 10)?;
/// let network = b.finish()?;
/// assert_eq!(network.parameter_count(), 3 * 9 * 16 + 32 + 16 * 9 * 16 + 32 + 170);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    network: Network,
    kernels: Init,
    output: Init,
    zero_bias: bool,
    noise: u32,
    residual_gamma: Init,
}

impl Builder {
    /// A network for images of this height, width and number of channels. Convolutions and linear weights start as He
    /// normal (fan-in, untruncated), biases uniform, as in PyTorch; batch norm has momentum 0.1 and eps 1e-5.
    pub fn new(name: &str, input: [usize; 3], classes: usize) -> Self {
        let network = Network {
            name: name.to_owned(),
            input,
            classes,
            nodes: Vec::new(),
            parameters: Vec::new(),
            statistics: Vec::new(),
            bn_momentum: 0.1,
            bn_eps: 1e-5,
            dropconnect: None,
        };
        Self {
            network,
            kernels: Init::HE_NORMAL,
            output: Init::HE_NORMAL,
            zero_bias: false,
            noise: 0,
            residual_gamma: Init::One,
        }
    }

    /// Sets batch norm's momentum (PyTorch's sense) and eps for the whole network.
    #[must_use]
    pub fn batchnorm_constants(mut self, momentum: f32, eps: f32) -> Self {
        self.network.bn_momentum = momentum;
        self.network.bn_eps = eps;
        self
    }

    /// Sets how weights start: those of convolutions and linear layers, and those of the layer that gives the classes.
    #[must_use]
    pub fn initialisers(mut self, kernels: Init, output: Init) -> Self {
        (self.kernels, self.output) = (kernels, output);
        self
    }

    /// Sets whether biases start at 0, as in Keras, not uniform in the fan-in's bounds, as in PyTorch.
    #[must_use]
    pub fn zero_bias(mut self, zero: bool) -> Self {
        self.zero_bias = zero;
        self
    }

    /// Sets whether a batch norm that a shortcut is added to starts with gamma 0 (Goyal et al. 2017, section 5.1).
    #[must_use]
    pub fn zero_init_residual(mut self, zero: bool) -> Self {
        self.residual_gamma = if zero { Init::Zero } else { Init::One };
        self
    }

    /// Sets DropConnect (Wan et al., ICML 2013) for the whole network: `rate` of the weights is dropped for each batch, of linear
    /// layers only with `linear_only`. Evaluation scales the weights; Monte Carlo samples draw Gaussians with the masks'
    /// moments with `gaussian`, else masks. A rate of 0 is none.
    #[must_use]
    pub fn dropconnect(mut self, rate: f32, linear_only: bool, gaussian: bool) -> Self {
        let site =
            DropConnectSite { rate, linear_only, gaussian, always: false, noise: Self::DROPCONNECT_NOISE };
        self.network.dropconnect = (rate > 0.0).then_some(site);
        self
    }

    /// Far above the numbers of all places that draw; a node's Gaussians take the numbers after it.
    const DROPCONNECT_NOISE: u32 = 1 << 24;

    /// A parameter by its name, to change how it starts or when it is trained.
    ///
    /// # Errors
    /// No parameter of this name so far.
    pub fn parameter(&mut self, name: &str) -> Result<&mut Parameter> {
        let model = self.network.name.clone();
        let found = self.network.parameters.iter_mut().find(|parameter| parameter.name == name);
        found.ok_or_else(|| Error::usage(format!("model {model} has no parameter {name}")))
    }

    /// The value that holds the images.
    pub fn image(&self) -> Value {
        0
    }

    /// Height, width and channels of a value.
    pub fn shape(&self, value: Value) -> [usize; 3] {
        self.network.shape(value)
    }

    fn shape_error<T>(layer: &str, expected: impl Into<String>, got: impl std::fmt::Debug) -> Result<T> {
        Err(Error::Shape { layer: layer.into(), expected: expected.into(), got: format!("{got:?}") })
    }

    fn node(&mut self, name: &str, layer: Layer, input: Value, shape: [usize; 3]) -> Value {
        self.network.nodes.push(Node { name: name.to_owned(), layer, input, shape });
        self.network.nodes.len()
    }

    fn tensor(tensors: &mut Vec<Parameter>, name: String, shape: &[usize], role: Role, init: Init) -> usize {
        let padded = |n: usize| groups_of_four(n) * 4;
        let words = match *shape {
            [out, inputs, k, k2] => padded(out) * padded(inputs) * k * k2,
            [out, inputs] => padded(out) * padded(inputs),
            _ => padded(shape.iter().product()),
        };
        let first = if tensors.is_empty() { 0 } else { network::Network::flat_words(tensors) };
        debug_assert!(first.is_multiple_of(ALIGN));
        let (shape, trained) = (shape.to_vec(), Trained::Always);
        tensors.push(Parameter { name, shape, role, init, trained, first, words });
        tensors.len() - 1
    }

    fn site(&mut self) -> u32 {
        self.noise += 1;
        self.noise
    }

    /// The finished network.
    ///
    /// # Errors
    /// A last layer that does not give one number a class, or a value that two layers would change in place.
    pub fn finish(self) -> Result<Network> {
        let network = self.network;
        let (last, classes) = (network.shape(network.logits()), network.classes);
        if last != [1, 1, classes] {
            let name = network.nodes.last().map_or("(none)", |node| node.name.as_str()).to_owned();
            return Self::shape_error(&name, format!("an output of [1, 1, {classes}]"), last);
        }
        for node in &network.nodes {
            let readers: Vec<_> = network.readers_of(node.input).collect();
            if node.in_place() && readers.len() != 1 {
                return Self::shape_error(&node.name, "an input that no other layer reads", readers.len());
            }
            let before = readers.first().filter(|first| !std::ptr::eq(**first, node));
            if let (Layer::BatchNorm(_), Some(before)) = (&node.layer, before) {
                let want = "an input that no layer before it reads";
                return Self::shape_error(&node.name, want, &before.name);
            }
        }
        Ok(network)
    }
}
