//! Softmax cross-entropy, and the collection of logits for the host (`shaders/loss`).

use bytemuck::{Pod, Zeroable};

use super::{groups_of_four, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// Loss, its gradient and the step's record.
pub static CROSS_ENTROPY: Kernel = Kernel {
    name: "loss/cross_entropy",
    source: shader!("loss/cross_entropy"),
    libraries: &[lib::STATE],
    bindings: &[
        ("logits", Access::Read),
        ("labels", Access::Read),
        ("state", Access::Read),
        ("dlogits", Access::Write),
        ("records", Access::Write),
    ],
    params_bytes: 16,
    workgroup: 128,
    constants: &["CLASSES", "MIXUP"],
    activation: false,
};

/// results[cursor..] = logits.
pub static COLLECT: Kernel = Kernel {
    name: "loss/collect",
    source: shader!("loss/collect"),
    libraries: &[lib::STATE],
    bindings: &[("logits", Access::Read), ("state", Access::Read), ("results", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &[],
    activation: false,
};

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct CrossEntropyParams {
    batch: u32,
    smoothing: f32,
    pad: [u32; 2],
}

/// The loss of a batch: its shape and label smoothing in [0, 1).
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy {
    /// Images.
    pub batch: usize,
    /// Classes.
    pub classes: usize,
    /// Share of the target that is spread over all classes.
    pub smoothing: f32,
    /// Whether targets are mixed as `augment::mixup` mixes the images.
    pub mixup: bool,
}

impl CrossEntropy {
    /// dlogits = gradient of the mean loss; records[step of the epoch] = (sum of losses, right answers).
    pub fn forward(
        &self,
        logits: &View,
        labels: &View,
        state: &View,
        dlogits: &View,
        records: &View,
    ) -> Dispatch {
        let params = CrossEntropyParams { batch: self.batch as u32, smoothing: self.smoothing, pad: [0; 2] };
        Dispatch::new(&CROSS_ENTROPY, &[logits, labels, state, dlogits, records], params, Groups([1, 1, 1]))
            .constants(Constants::new().u32("CLASSES", self.classes as u32).bool("MIXUP", self.mixup))
    }
}

/// `results[cursor + n] = logits[n]` for a batch of logits of `classes`; places past `images` are left alone.
pub fn collect(
    batch: usize,
    classes: usize,
    images: usize,
    logits: &View,
    state: &View,
    results: &View,
) -> Dispatch {
    let width4 = groups_of_four(classes) as u32;
    Dispatch::new(
        &COLLECT,
        &[logits, state, results],
        [batch as u32, width4, images as u32, 0],
        Groups::cover(batch as u64 * u64::from(width4), COLLECT.workgroup),
    )
}
