//! Layers without weights of their own, batch norm and activations.

use super::Builder;
use crate::kernels::activation::{Activation, Form};
use crate::kernels::residual::Scale;
use crate::nn::Init;
use crate::nn::network::{BatchNormSite, Dropout, Layer, Role, ShortcutSite, Value};
use crate::{Error, Result};

impl Builder {
    fn check_shortcut(&self, name: &str, input: Value, shortcut: ShortcutSite) -> Result<()> {
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
        Ok(())
    }

    /// activation(batchnorm(input) + shortcut). It must be the first layer that reads its input. An activation that is not
    /// computed element by element, or has learned numbers, becomes a layer of its own behind it.
    ///
    /// # Errors
    /// A shortcut whose shape does not fit, or channels that the activation cannot take.
    pub fn batchnorm(
        &mut self,
        name: &str,
        input: Value,
        activation: &Activation,
        shortcut: ShortcutSite,
    ) -> Result<Value> {
        if activation.row.form != Form::Elementwise {
            let y = self.batchnorm(name, input, &Activation::identity(), shortcut)?;
            return self.activation(&activation_name(name), y, activation);
        }
        self.check_shortcut(name, input, shortcut)?;
        let [height, width, channels] = self.shape(input);
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

    /// An activation by itself. Learned numbers are called `{name}.weight`, as in PyTorch's `PReLU`.
    ///
    /// # Errors
    /// Channels that the activation cannot take.
    pub fn activation(&mut self, name: &str, input: Value, activation: &Activation) -> Result<Value> {
        let [height, width, channels] = self.shape(input);
        let Some(outputs) = activation.channels(channels) else {
            let want = format!("channels that are a multiple of its {} pieces", activation.pieces());
            return Self::shape_error(name, want, channels);
        };
        let learned = activation.learned(channels);
        let learned = (learned > 0).then(|| {
            let init = Init::Constant { value: activation.start() };
            let name = format!("{name}.weight");
            Self::tensor(&mut self.network.parameters, name, &[learned], Role::Activation, init)
        });
        let noise = self.site();
        let layer = Layer::Activation { activation: activation.clone(), learned, noise };
        Ok(self.node(name, layer, input, [height, width, outputs]))
    }

    /// Elements dropped in training, in place. The input must be a value that nothing else reads.
    ///
    /// # Errors
    /// A rate outside [0, 1), or blocks of no pixel.
    pub fn drop(&mut self, name: &str, input: Value, drop: Dropout) -> Result<Value> {
        let (Dropout::Elements { rate } | Dropout::Blocks { rate, .. }) = drop;
        if !(0.0..1.0).contains(&rate) {
            return Err(Error::usage(format!(
                "layer {name}: dropout rate must be in 0..1 (1 excluded), got {rate}"
            )));
        }
        if matches!(drop, Dropout::Blocks { block: 0, .. }) {
            return Self::shape_error(name, "blocks of at least 1 pixel", 0);
        }
        let noise = self.site();
        Ok(self.node(name, Layer::Dropout { drop, always: false, noise }, input, self.shape(input)))
    }

    /// scale input + shortcut, in place: the end of a residual block whose branch is the input, a value that nothing else
    /// reads.
    ///
    /// # Errors
    /// A shortcut whose shape does not fit, or none; a survival probability outside (0, 1].
    pub fn add(&mut self, name: &str, input: Value, shortcut: ShortcutSite, scale: Scale) -> Result<Value> {
        if shortcut == ShortcutSite::None {
            return Self::shape_error(name, "a shortcut to add", "none");
        }
        self.check_shortcut(name, input, shortcut)?;
        if let Scale::StochasticDepth { survival } | Scale::ShakeDrop { survival } = scale
            && !(survival > 0.0 && survival <= 1.0)
        {
            return Err(Error::usage(format!(
                "layer {name}: survival probability must be above 0 and at most 1, got {survival}"
            )));
        }
        let noise = self.site();
        let layer = Layer::Add { shortcut, scale, always: false, noise };
        Ok(self.node(name, layer, input, self.shape(input)))
    }

    /// All numbers of an image as one row, channel by channel as PyTorch's `flatten` has them.
    pub fn flatten(&mut self, name: &str, input: Value) -> Value {
        let numbers = self.shape(input).iter().product();
        self.node(name, Layer::Flatten, input, [1, 1, numbers])
    }

    /// Greatest pixel of each window of `window` x `window`, PyTorch's `MaxPool2d(window)`; what does not fill one is left out.
    ///
    /// # Errors
    /// A window of 0, or one larger than the input.
    pub fn max_pool(&mut self, name: &str, input: Value, window: usize) -> Result<Value> {
        let [height, width, channels] = self.shape(input);
        if window == 0 || window > height.min(width) {
            let want = format!("a window of 1 to {} pixels", height.min(width));
            return Self::shape_error(name, want, window);
        }
        let shape = [height / window, width / window, channels];
        Ok(self.node(name, Layer::MaxPool { window }, input, shape))
    }

    /// Mean over all pixels: PyTorch's `AdaptiveAvgPool2d(1)`. The output is 1 x 1 x channels.
    pub fn global_average_pool(&mut self, name: &str, input: Value) -> Value {
        let [_, _, channels] = self.shape(input);
        self.node(name, Layer::GlobalAveragePool, input, [1, 1, channels])
    }
}

/// The name of the activation behind a batch norm: `layer1.0.act2` behind `layer1.0.bn2`.
fn activation_name(batchnorm: &str) -> String {
    let (before, last) = batchnorm.rsplit_once('.').map_or(("", batchnorm), |(a, b)| (a, b));
    let dot = if before.is_empty() { "" } else { "." };
    match last.strip_prefix("bn") {
        Some(number) => format!("{before}{dot}act{number}"),
        None => format!("{batchnorm}.act"),
    }
}
