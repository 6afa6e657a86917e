//! How many bytes a network will take on the device, before any is taken.

use std::collections::{BTreeMap, BTreeSet};

use super::filters;
use super::network::{Dropout, Layer, Network};
use super::weights::layout_partials;
use super::workspace::batchnorm_of;
use crate::kernels::Rows;
use crate::kernels::conv::Choices;

/// Gradient buffers of one size that a backward pass has at most at once: that of a layer's output, that of its input, and one
/// that a shortcut's other reader waits for.
const GRADIENTS_AT_ONCE: u64 = 3;

/// Bytes of a network in training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkBytes {
    /// Outputs of the layers, and what their backward passes keep besides.
    pub values: u64,
    /// Gradients of those.
    pub gradients: u64,
    /// Weights, their gradients, the optimizer's copies, statistics, partial sums and transformed weights.
    pub weights: u64,
    /// The largest single buffer.
    pub largest: u64,
}

impl NetworkBytes {
    /// An estimate from above for forward passes of up to `forward_batch` images and backward passes of `backward_batch`;
    /// `copies` counts what the optimizer keeps of the weights' size; `recomputes` as in [`Workspace::new`](super::Workspace::new).
    pub fn estimate(
        network: &Network,
        choices: &Choices,
        forward_batch: usize,
        backward_batch: usize,
        copies: usize,
        recomputes: bool,
    ) -> Self {
        let batch = forward_batch.max(backward_batch);
        let value_bytes = |value: usize, batch: usize| 4 * network.words(value, batch) as u64;
        let (mut values, mut saved) = (value_bytes(0, batch), 0);
        let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
        let mut largest = values;
        let mut shared = BTreeSet::new();
        for (index, node) in network.nodes.iter().enumerate() {
            let bytes = value_bytes(index + 1, batch);
            if !node.in_place() && (!recomputes || !network.is_cheap(index + 1) || shared.insert(bytes)) {
                values += bytes;
            }
            if !node.in_place() {
                largest = largest.max(value_bytes(index + 1, batch));
            }
            // A batch norm's input becomes its gradient.
            *sizes.entry(value_bytes(index + 1, backward_batch)).or_default() += 1;
            saved += match node.layer {
                Layer::BatchNorm(_) => {
                    4 * batchnorm_of(network, index, batch, Rows::WIDE).saved_words() as u64
                }
                // A count for each pixel.
                Layer::Dropout { drop: Dropout::Blocks { .. }, .. } => value_bytes(index + 1, batch),
                _ => 0,
            };
        }
        let gradients = sizes.iter().map(|(bytes, count)| bytes * GRADIENTS_AT_ONCE.min(*count)).sum();
        let flat = Network::flat_words(&network.parameters) as u64;
        let connected = if network.dropconnect.is_some() { 2 } else { 0 };
        let (partials, transformed) =
            (layout_partials(network, backward_batch).1, filters::layout(network, choices, batch).1);
        largest = largest.max(4 * partials as u64);
        let words = (2 + copies as u64 + connected) * flat + (partials + transformed) as u64;
        let statistics = Network::flat_words(&network.statistics) as u64;
        Self { values: values + saved, gradients, weights: 4 * (words + statistics), largest }
    }
}
