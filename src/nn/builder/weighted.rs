//! Convolutions and fully connected layers.

use super::Builder;
use crate::Result;
use crate::kernels::activation::Form;
use crate::nn::Init;
use crate::nn::network::{Layer, Role, Value};

impl Builder {
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
        self.conv_from(name, input, [channels, kernel, stride, padding], self.kernels)
    }

    fn conv_from(
        &mut self,
        name: &str,
        input: Value,
        [channels, kernel, stride, padding]: [usize; 4],
        init: Init,
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
        let init = self.kernel_init(input, init);
        let weight = Self::tensor(
            &mut self.network.parameters,
            format!("{name}.weight"),
            &[channels, from, kernel, kernel],
            Role::ConvWeight,
            init,
        );
        let size = |n: usize| (n + 2 * padding - kernel) / stride + 1;
        let layer = Layer::Conv { weight, kernel, stride, padding };
        Ok(self.node(name, layer, input, [size(height), size(width), channels]))
    }

    /// (W, -W) is for what reads a crelu, directly or by its means over pixels.
    fn kernel_init(&self, mut input: Value, init: Init) -> Init {
        if init != Init::LooksLinear {
            return init;
        }
        while let Some(before) = input.checked_sub(1) {
            let node = &self.network.nodes[before];
            match &node.layer {
                Layer::Activation { activation, .. } if activation.row.form == Form::Doubled => return init,
                Layer::GlobalAveragePool | Layer::Dropout { .. } => input = node.input,
                _ => break,
            }
        }
        Init::Orthogonal
    }

    fn bias_init(&self, fan_in: usize) -> Init {
        if self.zero_bias { Init::Zero } else { Init::Uniform { bound: 1.0 / (fan_in as f32).sqrt() } }
    }

    /// A convolution with bias, otherwise as [`Builder::conv`].
    ///
    /// # Errors
    /// As [`Builder::conv`].
    pub fn conv_with_bias(
        &mut self,
        name: &str,
        input: Value,
        channels: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Value> {
        let fan_in = self.shape(input)[2] * kernel * kernel;
        let y = self.conv(name, input, channels, kernel, stride, padding)?;
        let init = self.bias_init(fan_in);
        let name = format!("{name}.bias");
        let bias = Self::tensor(&mut self.network.parameters, name.clone(), &[channels], Role::Bias, init);
        Ok(self.node(&name, Layer::Bias { bias }, y, self.shape(y)))
    }

    /// A fully connected layer with bias, on a value of one pixel.
    ///
    /// # Errors
    /// An input of more than one pixel, or no outputs.
    pub fn linear(&mut self, name: &str, input: Value, outputs: usize) -> Result<Value> {
        self.linear_with(name, input, outputs, self.kernels)
    }

    /// The fully connected layer that gives a number for each class.
    ///
    /// # Errors
    /// As [`Builder::linear`].
    pub fn classifier(&mut self, name: &str, input: Value) -> Result<Value> {
        self.linear_with(name, input, self.network.classes, self.output)
    }

    /// The same without bias: weights of classes x inputs x 1 x 1.
    ///
    /// # Errors
    /// As [`Builder::linear`].
    pub fn classifier_without_bias(&mut self, name: &str, input: Value) -> Result<Value> {
        let shape = self.shape(input);
        if shape[..2] != [1, 1] {
            return Self::shape_error(name, "one pixel (pool or flatten before it)", shape);
        }
        self.conv_from(name, input, [self.network.classes, 1, 1, 0], self.output)
    }

    fn linear_with(&mut self, name: &str, input: Value, outputs: usize, init: Init) -> Result<Value> {
        let shape = self.shape(input);
        let [1, 1, inputs] = shape else {
            return Self::shape_error(name, "one pixel (pool or flatten before it)", shape);
        };
        if outputs == 0 {
            return Self::shape_error(name, "at least 1 output", outputs);
        }
        let (init, bias) = (self.kernel_init(input, init), self.bias_init(inputs));
        let tensors = &mut self.network.parameters;
        let shape = [outputs, inputs];
        let weight = Self::tensor(tensors, format!("{name}.weight"), &shape, Role::LinearWeight, init);
        Self::tensor(tensors, format!("{name}.bias"), &[outputs], Role::Bias, bias);
        Ok(self.node(name, Layer::Linear { weight }, input, [1, 1, outputs]))
    }
}
