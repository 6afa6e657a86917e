//! Fully connected layers with bias (`shaders/linear`). Their sizes are constants of the text: of a small loop with a bound in
//! a uniform, Mesa 22.3's software driver makes a new shader at each dispatch, and keeps it (640 kB a step of a small network).

use super::{groups_of_four, lib, shader};
use crate::gpu::{Access, Binding, Constants, Dispatch, Groups, Kernel, View};

const fn kernel(
    name: &'static str,
    source: &'static str,
    workgroup: u32,
    libraries: &'static [&'static str],
    bindings: &'static [Binding],
    constants: &'static [&'static str],
) -> Kernel {
    Kernel { name, source, libraries, bindings, params_bytes: 0, workgroup, constants, activation: false }
}

const FORWARD_BINDINGS: &[Binding] = &[("x", Access::Read), ("weight", Access::Read), ("y", Access::Write)];
const INPUT_BINDINGS: &[Binding] = &[("dy", Access::Read), ("weight", Access::Read), ("dx", Access::Write)];
const WEIGHT_BINDINGS: &[Binding] = &[("x", Access::Read), ("dy", Access::Read), ("gradient", Access::Write)];
const SIZES: &[&str] = &["BATCH", "IN4", "OUT4"];
const WITH_BIAS: &[&str] = &["BATCH", "IN4", "OUT4", "BIAS_OFFSET"];

/// y = x weight + bias.
pub static FORWARD: Kernel =
    kernel("linear/forward", shader!("linear/forward"), 32, &[lib::FOUR], FORWARD_BINDINGS, WITH_BIAS);
/// dx = dy weightᵀ.
pub static INPUT_GRADIENT: Kernel = kernel(
    "linear/input_gradient",
    shader!("linear/input_gradient"),
    32,
    &[lib::FOUR],
    INPUT_BINDINGS,
    SIZES,
);
/// dweight = xᵀ dy, dbias = sum of dy.
pub static WEIGHT_GRADIENT: Kernel = kernel(
    "linear/weight_gradient",
    shader!("linear/weight_gradient"),
    32,
    &[lib::FOUR],
    WEIGHT_BINDINGS,
    WITH_BIAS,
);
/// What [`FORWARD`] is measured against.
pub static FORWARD_NAIVE: Kernel =
    kernel("linear/forward_naive", shader!("linear/forward_naive"), 64, &[], FORWARD_BINDINGS, WITH_BIAS);
/// What [`INPUT_GRADIENT`] is measured against.
pub static INPUT_GRADIENT_NAIVE: Kernel = kernel(
    "linear/input_gradient_naive",
    shader!("linear/input_gradient_naive"),
    64,
    &[],
    INPUT_BINDINGS,
    SIZES,
);
/// What [`WEIGHT_GRADIENT`] is measured against.
pub static WEIGHT_GRADIENT_NAIVE: Kernel = kernel(
    "linear/weight_gradient_naive",
    shader!("linear/weight_gradient_naive"),
    64,
    &[lib::INDEX],
    WEIGHT_BINDINGS,
    WITH_BIAS,
);

/// Images that an invocation of [`FORWARD`] and [`INPUT_GRADIENT`] owns.
const IMAGES: usize = 8;

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
        let groups = tiles(&FORWARD, groups_of_four(self.outputs), self.batch.div_ceil(IMAGES));
        self.dispatch(&FORWARD, [x, weight, y], groups)
    }

    /// dx = dy weightᵀ.
    pub fn input_gradient(&self, dy: &View, weight: &View, dx: &View) -> Dispatch {
        let groups = tiles(&INPUT_GRADIENT, 4 * groups_of_four(self.inputs), self.batch.div_ceil(IMAGES));
        self.dispatch(&INPUT_GRADIENT, [dy, weight, dx], groups)
    }

    /// gradient = (xᵀ dy, sum of dy), placed as weights and bias are.
    pub fn weight_gradient(&self, x: &View, dy: &View, gradient: &View) -> Dispatch {
        let groups =
            tiles(&WEIGHT_GRADIENT, groups_of_four(self.outputs), groups_of_four(self.inputs).div_ceil(2));
        self.dispatch(&WEIGHT_GRADIENT, [x, dy, gradient], groups)
    }

    /// [`Linear::forward`], an image and four outputs an invocation.
    pub fn forward_naive(&self, x: &View, weight: &View, y: &View) -> Dispatch {
        let items = self.batch * groups_of_four(self.outputs);
        self.dispatch(&FORWARD_NAIVE, [x, weight, y], line(&FORWARD_NAIVE, items))
    }

    /// [`Linear::input_gradient`], an image and four inputs an invocation.
    pub fn input_gradient_naive(&self, dy: &View, weight: &View, dx: &View) -> Dispatch {
        let items = self.batch * groups_of_four(self.inputs);
        self.dispatch(&INPUT_GRADIENT_NAIVE, [dy, weight, dx], line(&INPUT_GRADIENT_NAIVE, items))
    }

    /// [`Linear::weight_gradient`], an input and four outputs an invocation.
    pub fn weight_gradient_naive(&self, x: &View, dy: &View, gradient: &View) -> Dispatch {
        let items = (groups_of_four(self.inputs) * 4 + 1) * groups_of_four(self.outputs);
        self.dispatch(&WEIGHT_GRADIENT_NAIVE, [x, dy, gradient], line(&WEIGHT_GRADIENT_NAIVE, items))
    }

    fn dispatch(&self, kernel: &'static Kernel, bindings: [&View; 3], groups: Groups) -> Dispatch {
        let (in4, out4) = (groups_of_four(self.inputs) as u32, groups_of_four(self.outputs) as u32);
        Dispatch::new(kernel, &bindings, (), groups)
            .constants(
                Constants::new()
                    .u32("BATCH", self.batch as u32)
                    .u32("IN4", in4)
                    .u32("OUT4", out4)
                    .u32("BIAS_OFFSET", (self.bias_offset / 4) as u32),
            )
            .flops(self.flops())
    }
}

fn line(kernel: &Kernel, items: usize) -> Groups {
    Groups::cover(items as u64, kernel.workgroup)
}

/// Workgroups that share `lanes` neighbouring items between them, times `runs`.
fn tiles(kernel: &Kernel, lanes: usize, runs: usize) -> Groups {
    Groups([lanes.div_ceil(kernel.workgroup as usize) as u32, runs as u32, 1])
}

/// PyTorch's (out, in) weights as stored: in,out, filled up with zeros.
pub fn pack_weights(weights: &[f32], outputs: usize, inputs: usize) -> Vec<f32> {
    super::conv::pack_weights(weights, outputs, inputs, 1)
}

/// The inverse of [`pack_weights`].
pub fn unpack_weights(packed: &[f32], outputs: usize, inputs: usize) -> Vec<f32> {
    super::conv::unpack_weights(packed, outputs, inputs, 1)
}
