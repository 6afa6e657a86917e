//! Activations with learned numbers (`shaders/activation/learned_*`): forward, and backward with their gradients.

use super::{Activation, Noise};
use crate::gpu::{Access, Dispatch, Kernel, View};
use crate::kernels::{Rows, lib, shader};

const LIBRARIES: &[&str] =
    &[lib::INDEX, lib::ROWS, lib::FOUR, lib::STATE, lib::PHILOX, lib::ACTIVATION, lib::LEARNED4];

/// y = activation(x, a).
pub static LEARNED_FORWARD: Kernel = Kernel {
    name: "activation/learned_forward",
    source: shader!("activation/learned_forward"),
    libraries: LIBRARIES,
    bindings: &[("x", Access::Read), ("a", Access::Read), ("state", Access::Read), ("y", Access::Write)],
    params_bytes: 16,
    workgroup: Rows::WIDE,
    constants: &["C4", "PIXELS", "CHANNELS", "TRAIN", "STOCHASTIC", "SHARE"],
    activation: true,
};

/// dy *= activation'(x, a), and partial sums of a's gradient.
pub static LEARNED_BACKWARD: Kernel = Kernel {
    name: "activation/learned_backward",
    source: shader!("activation/learned_backward"),
    libraries: &[lib::ROWS, lib::FOUR, lib::REDUCE, lib::STATE, lib::PHILOX, lib::ACTIVATION, lib::LEARNED4],
    bindings: &[
        ("x", Access::Read),
        ("a", Access::Read),
        ("state", Access::Read),
        ("dy", Access::Write),
        ("partial", Access::Write),
    ],
    params_bytes: 32,
    ..LEARNED_FORWARD
};

/// An activation with learned numbers at one place.
#[derive(Clone, Debug)]
pub struct Learned<'a> {
    /// The activation.
    pub activation: &'a Activation,
    /// Training form or evaluation form.
    pub train: bool,
    /// Where its random numbers come from.
    pub noise: Noise,
    /// The tensor's shape.
    pub rows: Rows,
}

impl Learned<'_> {
    /// Parts that the gradient of a is summed from.
    pub fn splits(&self) -> usize {
        let chunks = self.rows.reduction_chunks();
        if self.activation.shares() { chunks * self.rows.c4() } else { chunks }
    }

    /// y = activation(x, a); a has a number a channel, filled up to four, or one.
    pub fn forward(&self, [x, a, state]: [&View; 3], y: &View) -> Dispatch {
        let (rows, noise) = (self.rows, self.noise);
        let params = [rows.rows() as u32, rows.element_chunk() as u32, noise.layer, noise.seed];
        Dispatch::new(&LEARNED_FORWARD, &[x, a, state, y], params, rows.element_groups())
            .constants(rows.constants().with(&self.activation.constants(self.train)))
            .activation(self.activation.source())
    }

    /// dy becomes dx; partial gets [`Learned::splits`] parts of a's gradient, `stride` words apart.
    pub fn backward(&self, [x, a, state]: [&View; 3], dy: &View, partial: &View, stride: usize) -> Dispatch {
        let (rows, noise) = (self.rows, self.noise);
        let chunk = rows.reduction_chunk() as u32;
        let params = [rows.rows() as u32, chunk, noise.layer, noise.seed, (stride / 4) as u32, 0, 0, 0];
        Dispatch {
            kernel: &LEARNED_BACKWARD,
            bindings: [x, a, state, dy, partial].map(View::clone).to_vec(),
            params: bytemuck::cast_slice(&params).to_vec(),
            groups: rows.reduction_groups(),
            ..self.forward([x, a, state], dy)
        }
    }
}
