//! What a dispatch moves and computes, and which part of a step it belongs to.

use serde::Serialize;

use crate::gpu::Dispatch;

/// Bindings that a kernel reads before it writes them, so that their bytes count twice, besides `dx` with ACCUMULATE.
pub const IN_PLACE: &[(&str, &str)] = &[
    ("activation/backward", "dy"),
    ("augment/mixup", "images"),
    ("activation/learned_backward", "dy"),
    ("batchnorm/backward", "x"),
    ("batchnorm/backward_reduce", "dy"),
    ("bias/forward", "x"),
    ("dropconnect/gradient", "gradient"),
    ("dropconnect/sample", "y"),
    ("dropout/block", "x"),
    ("dropout/forward", "x"),
    ("optimizer/sgd", "weight"),
    ("optimizer/sgd", "buffer"),
    ("optimizer/adam", "weight"),
    ("optimizer/adam", "first_moment"),
    ("optimizer/adam", "second_moment"),
    ("optimizer/rmsprop", "weight"),
    ("optimizer/rmsprop", "square"),
    ("optimizer/rmsprop", "buffer"),
    ("optimizer/average", "average"),
    ("optimizer/mask", "weight"),
    ("optimizer/swap", "a"),
    ("optimizer/swap", "b"),
    ("residual/add", "x"),
];

/// Kernels whose dispatches count no operations: the tensor by whose words they go, and operations a word, as their formulas
/// have them; a multiply-add counts two, an activation's value or derivative one.
const ELEMENTWISE: &[(&str, &str, u64)] = &[
    ("activation/backward", "dy", 2),
    ("activation/forward", "y", 1),
    ("activation/doubled_backward", "dx", 3),
    ("activation/doubled_forward", "y", 1),
    ("activation/learned_backward", "dy", 4),
    ("activation/learned_forward", "y", 2),
    ("activation/maxout_backward", "dx", 2),
    ("activation/maxout_forward", "x", 1),
    ("augment/gather", "images", 2),
    ("augment/mixup", "images", 3),
    ("batchnorm/backward", "x", 6),
    ("batchnorm/backward_reduce", "dy", 9),
    ("batchnorm/forward", "y", 5),
    ("batchnorm/statistics", "x", 4),
    ("bias/forward", "x", 1),
    ("bias/gradient", "dy", 1),
    ("conv/winograd_weights", "u", 8),
    ("dropconnect/gradient", "gradient", 1),
    ("dropconnect/sample", "y", 3),
    ("dropconnect/square", "y", 1),
    ("dropconnect/weights", "connected_weight", 1),
    ("dropout/block", "x", 2),
    ("dropout/forward", "x", 1),
    ("loss/cross_entropy", "logits", 8),
    ("optimizer/reduce", "partial", 1),
    ("optimizer/adam", "weight", 16),
    ("optimizer/average", "weight", 3),
    ("optimizer/mask", "weight", 1),
    ("optimizer/rmsprop", "weight", 11),
    ("optimizer/sgd", "weight", 6),
    ("optimizer/square_sum", "gradient", 2),
    ("pool/backward", "dx", 1),
    ("pool/forward", "x", 1),
    ("pool/max_backward", "dx", 2),
    ("pool/max_forward", "x", 1),
    ("residual/add", "x", 2),
    ("residual/branch", "dx", 1),
];

/// A part of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The batch's images from bytes.
    Augment,
    /// From the images to the loss.
    Forward,
    /// From the loss to the gradients.
    Backward,
    /// The step's state, and the weights' update.
    Optimizer,
}

impl Phase {
    /// In the order of a step.
    pub const ALL: [Self; 4] = [Self::Augment, Self::Forward, Self::Backward, Self::Optimizer];

    /// As tables write it.
    pub fn name(self) -> &'static str {
        ["augment", "forward", "backward", "optimizer"][self as usize]
    }
}

/// The part that each dispatch of a training step belongs to, in order: the loss ends the forward pass, the sum of the partial
/// gradients the backward one.
pub fn phases<'a>(kernels: impl Iterator<Item = &'a str>) -> Vec<Phase> {
    let mut pass = Phase::Forward;
    kernels
        .map(|kernel| {
            let own = match kernel {
                "optimizer/reduce" => Phase::Backward,
                _ if kernel.starts_with("optimizer/") => Phase::Optimizer,
                _ if kernel.starts_with("augment/") => Phase::Augment,
                _ => pass,
            };
            if kernel == "loss/cross_entropy" {
                pass = Phase::Backward;
            }
            own
        })
        .collect()
}

/// Value of a constant of a dispatch as it stands in the shader, without its type's letter.
fn constant<'a>(dispatch: &'a Dispatch, name: &str) -> Option<&'a str> {
    let row = dispatch.constants.rows().find(|row| row.0 == name);
    row.map(|(_, value, _)| value.trim_end_matches(['u', 'f']))
}

fn number(dispatch: &Dispatch, name: &str) -> u64 {
    constant(dispatch, name).and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Bytes that a dispatch must move at least: each tensor's once, twice where it is read and written.
pub fn bytes(dispatch: &Dispatch) -> u64 {
    let kernel = dispatch.kernel.name;
    let bindings = dispatch.bindings.iter().zip(dispatch.kernel.bindings);
    let each = bindings.map(|(view, (name, _))| match (kernel, *name) {
        // A batch of them, not the whole data set.
        ("augment/gather", "pixels") => {
            u64::from(dispatch.groups.0[0]) * number(dispatch, "HEIGHT") * number(dispatch, "WIDTH") * 3
        }
        ("augment/gather", "labels" | "order") => u64::from(dispatch.groups.0[0]) * 4,
        // Room for any convolution; what this one leaves there is less than a hundredth of y.
        (_, "partial") if kernel.starts_with("conv/forward") => 0,
        (_, "shortcut") => match number(dispatch, "SHORTCUT") {
            0 => 0,
            1 => view.bytes(),
            // Every second pixel of both directions.
            _ => view.bytes() / 4,
        },
        (_, "dx") if constant(dispatch, "ACCUMULATE") == Some("true") => 2 * view.bytes(),
        _ if IN_PLACE.contains(&(kernel, *name)) => 2 * view.bytes(),
        _ => view.bytes(),
    });
    each.sum()
}

/// Floating-point operations of a dispatch, whatever the kernel really does; 0 where it only moves numbers.
pub fn flops(dispatch: &Dispatch) -> u64 {
    if dispatch.flops > 0 {
        return dispatch.flops;
    }
    let Some((_, tensor, each)) = ELEMENTWISE.iter().find(|row| row.0 == dispatch.kernel.name) else {
        return 0;
    };
    let mut bindings = dispatch.bindings.iter().zip(dispatch.kernel.bindings);
    bindings.find(|(_, (name, _))| name == tensor).map_or(0, |(view, _)| view.bytes() / 4 * each)
}
