//! Writes a network, layer by layer, with shapes checked as it goes.

use super::network::{ALIGN, BatchNormSite, Layer, Network, Node, Parameter, Role, ShortcutSite, Value};
use super::{Init, network};
use crate::kernels::{Activation, groups_of_four};
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
/// let y = b.global_average_pool("pool", y)?;
/// b.linear("linear", y, 10)?;
/// let network = b.finish()?;
/// assert_eq!(network.parameter_count(), 3 * 9 * 16 + 32 + 16 * 9 * 16 + 32 + 170);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    network: Network,
    conv_init: Init,
    linear_init: Init,
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
        };
        Self {
            network,
            conv_init: Init::HeNormal,
            linear_init: Init::HeNormal,
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

    /// Sets whether a batch norm that a shortcut is added to starts with gamma 0 (Goyal et al. 2017, section 5.1).
    #[must_use]
    pub fn zero_init_residual(mut self, zero: bool) -> Self {
        self.residual_gamma = if zero { Init::Zero } else { Init::One };
        self
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
        tensors.push(Parameter { name, shape: shape.to_vec(), role, init, first, words });
        tensors.len() - 1
    }

    fn site(&mut self) -> u32 {
        self.noise += 1;
        self.noise
    }

    /// A convolution without bias: `channels` filters of `kernel` x `kernel`.
    ///
    /// # Errors
    /// A kernel larger than the padded input, or a size of 0.
    pub fn conv(
        &mut self,
        name: &str,
        input: Value,
        channels: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Value> {
        let [height, width, from] = self.shape(input);
        if channels == 0 || kernel == 0 || stride == 0 {
            return Self::shape_error(
                name,
                "channels, kernel and stride of at least 1",
                (channels, kernel, stride),
            );
        }
        if kernel > height.min(width) + 2 * padding {
            return Self::shape_error(
                name,
                format!("at least {kernel} pixels with padding {padding}"),
                [height, width],
            );
        }
        let weight = Self::tensor(
            &mut self.network.parameters,
            format!("{name}.weight"),
            &[channels, from, kernel, kernel],
            Role::ConvWeight,
            self.conv_init,
        );
        let size = |n: usize| (n + 2 * padding - kernel) / stride + 1;
        let layer = Layer::Conv { weight, kernel, stride, padding };
        Ok(self.node(name, layer, input, [size(height), size(width), channels]))
    }

    /// activation(batchnorm(input) + shortcut). The input must be a value that nothing else reads.
    ///
    /// # Errors
    /// A shortcut whose shape does not fit.
    pub fn batchnorm(
        &mut self,
        name: &str,
        input: Value,
        activation: &Activation,
        shortcut: ShortcutSite,
    ) -> Result<Value> {
        let [height, width, channels] = self.shape(input);
        match shortcut {
            ShortcutSite::None => {}
            ShortcutSite::Same(value) if self.shape(value) == self.shape(input) => {}
            ShortcutSite::Same(value) => {
                let want = format!("a shortcut of {:?}", self.shape(input));
                return Self::shape_error(name, want, self.shape(value));
            }
            ShortcutSite::Padded(value) => {
                let [h, w, c] = self.shape(value);
                if h.div_ceil(2) != height || w.div_ceil(2) != width || c > channels {
                    let want =
                        format!("a shortcut of twice {:?} with at most as many channels", self.shape(input));
                    return Self::shape_error(name, want, self.shape(value));
                }
            }
        }
        let start = if shortcut == ShortcutSite::None { Init::One } else { self.residual_gamma };
        let vectors = [("weight", Role::Gamma, start), ("bias", Role::Beta, Init::Zero)];
        let [gamma, _] = vectors.map(|(suffix, role, init)| {
            Self::tensor(&mut self.network.parameters, format!("{name}.{suffix}"), &[channels], role, init)
        });
        let vectors =
            [("running_mean", Role::RunningMean, Init::Zero), ("running_var", Role::RunningVar, Init::One)];
        let [running, _] = vectors.map(|(suffix, role, init)| {
            Self::tensor(&mut self.network.statistics, format!("{name}.{suffix}"), &[channels], role, init)
        });
        let noise = self.site();
        let site = BatchNormSite { gamma, running, shortcut, activation: activation.clone(), noise };
        Ok(self.node(name, Layer::BatchNorm(site), input, [height, width, channels]))
    }

    /// An activation by itself.
    pub fn activation(&mut self, name: &str, input: Value, activation: &Activation) -> Value {
        let noise = self.site();
        let layer = Layer::Activation { activation: activation.clone(), noise };
        self.node(name, layer, input, self.shape(input))
    }

    /// Dropout with `rate` in [0, 1). The input must be a value that nothing else reads.
    ///
    /// # Errors
    /// A rate outside [0, 1).
    pub fn dropout(&mut self, name: &str, input: Value, rate: f32) -> Result<Value> {
        if !(0.0..1.0).contains(&rate) {
            return Err(Error::usage(format!(
                "layer {name}: dropout rate must be in 0..1 (1 excluded), got {rate}"
            )));
        }
        let noise = self.site();
        Ok(self.node(name, Layer::Dropout { rate, always: false, noise }, input, self.shape(input)))
    }

    /// Mean over all pixels.
    ///
    /// # Errors
    /// None at present; the signature leaves room for pooling windows.
    pub fn global_average_pool(&mut self, name: &str, input: Value) -> Result<Value> {
        let [_, _, channels] = self.shape(input);
        Ok(self.node(name, Layer::GlobalAveragePool, input, [1, 1, channels]))
    }

    /// A fully connected layer with bias, on a value of one pixel.
    ///
    /// # Errors
    /// An input of more than one pixel.
    pub fn linear(&mut self, name: &str, input: Value, outputs: usize) -> Result<Value> {
        let shape = self.shape(input);
        let [1, 1, inputs] = shape else {
            return Self::shape_error(name, "one pixel (pool before it)", shape);
        };
        let tensors = &mut self.network.parameters;
        let weight = Self::tensor(
            tensors,
            format!("{name}.weight"),
            &[outputs, inputs],
            Role::LinearWeight,
            self.linear_init,
        );
        let bias = Init::Uniform { bound: 1.0 / (inputs as f32).sqrt() };
        Self::tensor(tensors, format!("{name}.bias"), &[outputs], Role::Bias, bias);
        Ok(self.node(name, Layer::Linear { weight }, input, [1, 1, outputs]))
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
        let readers = network.readers();
        for node in &network.nodes {
            let in_place = matches!(node.layer, Layer::BatchNorm(_) | Layer::Dropout { .. });
            if in_place && readers[node.input] != 1 {
                return Self::shape_error(
                    &node.name,
                    "an input that no other layer reads",
                    readers[node.input],
                );
            }
        }
        Ok(network)
    }
}
