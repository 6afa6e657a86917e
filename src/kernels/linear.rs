//! Fully connected layers with bias (`shaders/linear`).

use super::{groups_of_four, lib, shader};
use crate::gpu::{Access, Binding, Constants, Dispatch, Groups, Kernel, View};

const fn kernel(
    name: &'static str,
    source: &'static str,
    libraries: &'static [&'static str],
    bindings: &'static [Binding],
) -> Kernel {
    Kernel {
        name,
        source,
        libraries,
        bindings,
        params_bytes: 16,
        workgroup: 64,
        constants: &[],
        activation: false,
    }
}

/// y = x weight + bias.
pub static FORWARD: Kernel = kernel(
    "linear/forward",
    shader!("linear/forward"),
    &[],
    &[("x", Access::Read), ("weight", Access::Read), ("y", Access::Write)],
);
/// dx = dy weightᵀ.
pub static INPUT_GRADIENT: Kernel = kernel(
    "linear/input_gradient",
    shader!("linear/input_gradient"),
    &[],
    &[("dy", Access::Read), ("weight", Access::Read), ("dx", Access::Write)],
);
/// dweight = xᵀ dy, dbias = sum of dy.
pub static WEIGHT_GRADIENT: Kernel = kernel(
    "linear/weight_gradient",
    shader!("linear/weight_gradient"),
    &[lib::INDEX],
    &[("x", Access::Read), ("dy", Access::Read), ("gradient", Access::Write)],
);

/// A fully connected layer's shape. Its weights are stored in,out (filled up to four), the bias `bias_offset` words after
/// the weights' first.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// Images.
    pub batch: usize,
    /// Inputs.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
    /// Words from the first weight to the first bias.
    pub bias_offset: usize,
}

impl Linear {
    /// Words of the weights as stored.
    pub fn weight_words(&self) -> usize {
        groups_of_four(self.inputs) * groups_of_four(self.outputs) * 16
    }

    /// Floating-point operations of one direction.
    pub fn flops(&self) -> u64 {
        2 * (self.batch * self.inputs * self.outputs) as u64
    }

    /// y = x weight + bias.
    pub fn forward(&self, x: &View, weight: &View, y: &View) -> Dispatch {
        self.dispatch(&FORWARD, [x, weight, y], self.batch * groups_of_four(self.outputs))
    }

    /// dx = dy weightᵀ.
    pub fn input_gradient(&self, dy: &View, weight: &View, dx: &View) -> Dispatch {
        self.dispatch(&INPUT_GRADIENT, [dy, weight, dx], self.batch * groups_of_four(self.inputs))
    }

    /// gradient = (xᵀ dy, sum of dy), placed as weights and bias are.
    pub fn weight_gradient(&self, x: &View, dy: &View, gradient: &View) -> Dispatch {
        let items = (groups_of_four(self.inputs) * 4 + 1) * groups_of_four(self.outputs);
        self.dispatch(&WEIGHT_GRADIENT, [x, dy, gradient], items)
    }

    fn dispatch(&self, kernel: &'static Kernel, bindings: [&View; 3], items: usize) -> Dispatch {
        let (in4, out4) = (groups_of_four(self.inputs) as u32, groups_of_four(self.outputs) as u32);
        let params = [self.batch as u32, in4, out4, (self.bias_offset / 4) as u32];
        Dispatch {
            kernel,
            constants: Constants::new(),
            activation: None,
            bindings: bindings.into_iter().cloned().collect(),
            params: bytemuck::cast_slice(&params).to_vec(),
            groups: Groups::cover(items as u64, kernel.workgroup),
            label: String::new(),
            flops: self.flops(),
        }
    }
}

/// PyTorch's (out, in) weights as stored: in,out, filled up with zeros.
pub fn pack_weights(weights: &[f32], outputs: usize, inputs: usize) -> Vec<f32> {
    super::conv::pack_weights(weights, outputs, inputs, 1)
}

/// The inverse of [`pack_weights`].
pub fn unpack_weights(packed: &[f32], outputs: usize, inputs: usize) -> Vec<f32> {
    super::conv::unpack_weights(packed, outputs, inputs, 1)
}
