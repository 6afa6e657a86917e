//! The CIFAR ResNet of He et al. 2015, section 4.2, as wgrad trains it: option A shortcuts, batch norm, relu.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::ops::PadMode;

fn conv(inputs: usize, outputs: usize, stride: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([inputs, outputs], [3, 3])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_bias(false)
        .with_initializer(Initializer::KaimingNormal { gain: 2.0f64.sqrt(), fan_out_only: false })
        .init(device)
}

/// relu(bn(conv(relu(bn(conv(x))))) + shortcut).
#[derive(Module, Debug)]
struct Block {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    stride: usize,
    pad: usize,
}

impl Block {
    fn new(inputs: usize, outputs: usize, stride: usize, device: &Device) -> Self {
        Self {
            conv1: conv(inputs, outputs, stride, device),
            bn1: BatchNormConfig::new(outputs).init(device),
            conv2: conv(outputs, outputs, 1, device),
            bn2: BatchNormConfig::new(outputs).init(device),
            stride,
            pad: (outputs - inputs) / 2,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = relu(self.bn1.forward(self.conv1.forward(x.clone())));
        let y = self.bn2.forward(self.conv2.forward(y));
        let shortcut = if self.stride > 1 {
            let pad = [(0, 0), (self.pad, self.pad), (0, 0), (0, 0)];
            x.slice(s![.., .., ..;2, ..;2]).pad(pad, PadMode::Constant(0.0))
        } else {
            x
        };
        relu(y + shortcut)
    }
}

/// Depth 6n + 2, ten classes.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv2d,
    bn1: BatchNorm,
    blocks: Vec<Block>,
    pool: AdaptiveAvgPool2d,
    linear: Linear,
}

impl ResNet {
    pub fn new(depth: usize, device: &Device) -> Self {
        let mut channels = 16;
        let mut blocks = Vec::new();
        for (outputs, stride) in [(16, 1), (32, 2), (64, 2)] {
            for index in 0..(depth - 2) / 6 {
                blocks.push(Block::new(channels, outputs, if index == 0 { stride } else { 1 }, device));
                channels = outputs;
            }
        }
        Self {
            conv1: conv(3, 16, 1, device),
            bn1: BatchNormConfig::new(16).init(device),
            blocks,
            pool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            linear: LinearConfig::new(channels, 10).init(device),
        }
    }

    /// Images (N, 3, 32, 32) to logits (N, 10).
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = relu(self.bn1.forward(self.conv1.forward(images)));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.linear.forward(self.pool.forward(x).flatten(1, 3))
    }
}
