//! The values of a forward pass and the gradients of a backward pass, for batches of up to a given size.

use std::collections::HashMap;

use super::filters::TransformedFilters;
use super::network::{Dropout, Layer, Network, Node, Value};
use crate::Result;
use crate::gpu::{Buffer, Gpu, View};
use crate::kernels::batchnorm::BatchNorm;
use crate::kernels::dropout::DropBlock;
use crate::kernels::{Noise, Rows};

/// Least rows of a chunk that a kernel leaves partial sums of.
const LEAST_CHUNK: usize = 64;

/// Buffers of a network's values.
pub struct Workspace {
    values: Vec<Buffer>,
    /// What the forward pass leaves for the backward pass, by node: a batch norm's mean and invstd, a DropBlock's counts.
    saved: Vec<Option<Buffer>>,
    /// Partial sums of the batch norm at work.
    pub(super) partial: Buffer,
    /// Gradient buffers by words: a list to take from and give back to while a backward pass is recorded.
    gradients: HashMap<usize, Vec<Buffer>>,
    gradient_batch: usize,
    /// Whether cheap values share their buffers and are computed once more for the backward pass.
    recomputes: bool,
    /// Transformed weights, made when a pass is recorded whose kernels want them.
    pub(super) filters: Option<TransformedFilters>,
}

impl Workspace {
    /// Buffers for forward passes of up to `forward_batch` images and backward passes of up to `backward_batch`. Buffers
    /// for gradients are made when a backward pass is recorded. Without a backward pass (0) a value's buffer is used again
    /// once nothing reads it any more. With `recomputes`, values that are cheap to compute once more share a buffer too, and the
    /// backward pass computes them again: less memory, more work, the same bits.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        forward_batch: usize,
        backward_batch: usize,
        recomputes: bool,
    ) -> Result<Self> {
        let batch = forward_batch.max(backward_batch);
        let kept = match (backward_batch, recomputes) {
            (0, _) => Kept::WhileRead,
            (_, true) => Kept::UnlessCheap,
            (_, false) => Kept::All,
        };
        let values = values(gpu, network, batch, kept)?;
        let mut saved = Vec::with_capacity(network.nodes.len());
        let mut partial = 4;
        for (index, node) in network.nodes.iter().enumerate() {
            saved.push(match node.layer {
                Layer::BatchNorm(_) => {
                    let norm = batchnorm_of(network, index, batch, Rows::WIDE);
                    partial = partial.max(norm.partial_words(LEAST_CHUNK));
                    Some(gpu.buffer(&node.name, norm.saved_words())?)
                }
                Layer::Dropout { drop: Dropout::Blocks { rate, block }, .. } => {
                    let noise = Noise { seed: 0, layer: 0 };
                    let drop = dropblock_of(network, node, batch, (rate, block), noise, Rows::WIDE);
                    Some(gpu.buffer(&node.name, drop.counts())?)
                }
                _ => None,
            });
        }
        let partial = gpu.buffer("partial", partial)?;
        Ok(Self {
            values,
            saved,
            partial,
            gradients: HashMap::new(),
            gradient_batch: backward_batch,
            recomputes,
            filters: None,
        })
    }

    /// Most images of a backward pass.
    pub(super) fn gradient_batch(&self) -> usize {
        self.gradient_batch
    }

    /// Whether the backward pass has to compute a value once more.
    pub(super) fn recomputes(&self, network: &Network, value: Value) -> bool {
        self.recomputes && network.is_cheap(value)
    }

    /// A value for `batch` images.
    pub fn value(&self, network: &Network, value: Value, batch: usize) -> View {
        self.values[value].view().first(network.words(value, batch))
    }

    /// Bytes of all values and of the buffers that gradients take in turns.
    pub fn value_bytes(&self) -> u64 {
        self.values.iter().chain(self.gradients.values().flatten()).map(Buffer::bytes).sum()
    }

    pub(super) fn saved(&self, node: usize) -> View {
        match &self.saved[node] {
            Some(buffer) => buffer.view(),
            None => unreachable!("only asked of layers that keep something"),
        }
    }

    /// A gradient buffer of `words` words that nothing uses at this place of the plan.
    pub(super) fn take(&mut self, gpu: &Gpu, words: usize) -> Result<Buffer> {
        match self.gradients.get_mut(&words).and_then(Vec::pop) {
            Some(buffer) => Ok(buffer),
            None => gpu.buffer("gradient", words),
        }
    }

    /// Gives a gradient buffer back, for later places of the plan.
    pub(super) fn give(&mut self, buffer: Buffer) {
        self.gradients.entry((buffer.bytes() / 4) as usize).or_default().push(buffer);
    }
}

/// How long a value's buffer is its own.
#[derive(Clone, Copy)]
enum Kept {
    /// As long as nodes read it in the forward pass.
    WhileRead,
    /// The same for those that are cheap to compute once more; else for both passes.
    UnlessCheap,
    /// For both passes.
    All,
}

/// A buffer for each value; those that do not live at the same time may have the same one.
fn values(gpu: &Gpu, network: &Network, batch: usize, kept: Kept) -> Result<Vec<Buffer>> {
    let lives = network.lives();
    let shares = |value| match kept {
        Kept::WhileRead => true,
        Kept::UnlessCheap => network.is_cheap(value),
        Kept::All => false,
    };
    let mut free: HashMap<usize, Vec<Buffer>> = HashMap::new();
    let mut values = vec![gpu.buffer("images", network.words(0, batch))?];
    for (index, node) in network.nodes.iter().enumerate() {
        let words = network.words(index + 1, batch);
        let takes = shares(index + 1) && !node.in_place();
        let value = match free.get_mut(&words).filter(|_| takes).and_then(Vec::pop) {
            _ if node.in_place() => values[node.input].clone(),
            Some(buffer) => buffer,
            None => gpu.buffer(&node.name, words)?,
        };
        values.push(value);
        // The images are written anew by the host or by the plan's own start.
        let in_place = |value: usize| network.nodes[value - 1].in_place();
        let ended =
            (1..values.len()).filter(|&value| lives[value] == index && !in_place(value) && shares(value));
        ended.for_each(|value| {
            free.entry(network.words(value, batch)).or_default().push(values[value].clone())
        });
    }
    Ok(values)
}

/// The shape of a batch norm node for `batch` images.
pub(super) fn batchnorm_of(network: &Network, node: usize, batch: usize, workgroup: u32) -> BatchNorm {
    let [height, width, channels] = network.nodes[node].shape;
    let stride = match &network.nodes[node].layer {
        Layer::BatchNorm(site) => {
            network.parameters[site.gamma + 1].first - network.parameters[site.gamma].first
        }
        _ => unreachable!("only asked of batch norms"),
    };
    let (momentum, eps) = (network.bn_momentum, network.bn_eps);
    BatchNorm { batch, height, width, channels, momentum, eps, stride, workgroup }
}

/// A DropBlock node for `batch` images, of this rate and side.
pub(super) fn dropblock_of(
    network: &Network,
    node: &Node,
    batch: usize,
    (rate, block): (f32, usize),
    noise: Noise,
    workgroup: u32,
) -> DropBlock {
    let [height, width, channels] = network.shape(node.input);
    let rows = Rows { batch, pixels: height * width, channels, workgroup };
    DropBlock { rate, block, rows, width, noise }
}
