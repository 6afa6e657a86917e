//! A network's parameters, gradients and running statistics on the device: flat buffers with a table of places.

use super::initial;
use super::network::{ALIGN, Layer, Network, Node, Parameter, Role};
use crate::gpu::{Buffer, Gpu, View};
use crate::kernels::activation::Learned;
use crate::kernels::batchnorm;
use crate::kernels::conv::{self, Conv};
use crate::kernels::optimizer::LossScale;
use crate::kernels::{Noise, Rows};
use crate::{Error, Result};

/// The flat buffers of a network.
pub struct Weights {
    /// Trained parameters.
    pub weight: Buffer,
    /// Their gradients.
    pub gradient: Buffer,
    /// Running statistics.
    pub statistics: Buffer,
    /// Partial gradients of convolutions' weights and biases and of learned activations; optimizer/reduce sums them.
    pub partial: Buffer,
    /// The [`LossScale`].
    pub scaling: Buffer,
    /// What DropConnect needs, where the network has it.
    pub(super) dropconnect: Option<Connections>,
    partial_first: Vec<usize>,
}

/// The weights that a pass with DropConnect uses.
pub(super) struct Connections {
    /// 1 for each 64 words that the masks are for, else 0.
    pub(super) dropped: Buffer,
    /// The weights of this pass, laid out as all are.
    pub(super) connected: Buffer,
    /// Variances of the weights' products, for Gaussian samples.
    pub(super) variance: Option<Buffer>,
}

impl Connections {
    fn new(gpu: &Gpu, network: &Network) -> Result<Option<Self>> {
        let Some(site) = network.dropconnect else { return Ok(None) };
        let words = Network::flat_words(&network.parameters);
        let mut dropped = vec![0.0f32; words / ALIGN];
        for parameter in network.parameters.iter().filter(|parameter| site.acts_on(parameter)) {
            let last = (parameter.first + parameter.words).div_ceil(ALIGN);
            dropped[parameter.first / ALIGN..last].fill(1.0);
        }
        let variance = site.gaussian.then(|| gpu.buffer("weights' variance", words)).transpose()?;
        let dropped = gpu.upload("dropped", &dropped)?;
        Ok(Some(Self { dropped, connected: gpu.buffer("connected weights", words)?, variance }))
    }
}

impl Weights {
    /// The weights that layers read.
    pub(super) fn used(&self) -> &Buffer {
        self.dropconnect.as_ref().map_or(&self.weight, |all| &all.connected)
    }

    /// Buffers for `network` and batches of up to `batch` images; contents are zeros.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn new(gpu: &Gpu, network: &Network, batch: usize) -> Result<Self> {
        let words = Network::flat_words(&network.parameters);
        let (partial_first, partial_words) = layout_partials(network, batch);
        Ok(Self {
            weight: gpu.buffer("weight", words)?,
            gradient: gpu.buffer("gradient", words)?,
            statistics: gpu.buffer("statistics", Network::flat_words(&network.statistics))?,
            partial: gpu.buffer("partial", partial_words)?,
            scaling: gpu.upload("scaling", &[LossScale::ONE])?,
            dropconnect: Connections::new(gpu, network)?,
            partial_first,
        })
    }

    /// Initial weights and statistics of `seed`.
    ///
    /// # Errors
    /// A lost device.
    pub fn initialize(&self, gpu: &Gpu, network: &Network, seed: u32) -> Result<()> {
        for (index, parameter) in network.parameters.iter().enumerate() {
            self.set(gpu, parameter, &initial(parameter, index, seed))?;
        }
        for parameter in &network.statistics {
            self.set(gpu, parameter, &initial(parameter, 0, seed))?;
        }
        Ok(())
    }

    /// The part of the gradients, or of the weights, that starts with parameter `index` and takes in the next one too:
    /// weight and bias, gamma and beta.
    pub(super) fn pair(buffer: &Buffer, tensors: &[Parameter], index: usize) -> (View, usize) {
        let (a, b) = (&tensors[index], &tensors[index + 1]);
        (buffer.words(a.first, b.first + b.words - a.first), b.first - a.first)
    }

    /// The part of a flat buffer that is one parameter.
    pub(super) fn one(buffer: &Buffer, parameter: &Parameter) -> View {
        buffer.words(parameter.first, parameter.words)
    }

    /// Where the partial gradients of parameter `index` go.
    pub(super) fn partials(&self, index: usize, stride: usize, splits: usize) -> View {
        self.partial.words(self.partial_first[index], stride * splits)
    }

    /// The table of optimizer/reduce for batches of `batch` images: where the partial gradients of each 64 words are.
    pub(super) fn table(&self, gpu: &Gpu, network: &Network, batch: usize) -> Result<Buffer> {
        let mut table = vec![[0u32; 4]; Network::flat_words(&network.parameters) / ALIGN];
        for node in &network.nodes {
            if let Some((weight, splits)) = partials_of(network, node, batch) {
                let parameter = &network.parameters[weight];
                let stride = parameter.words.next_multiple_of(ALIGN);
                for block in 0..parameter.words.div_ceil(ALIGN) {
                    let first = self.partial_first[weight] + block * ALIGN;
                    table[parameter.first / ALIGN + block] = [first as u32, splits as u32, stride as u32, 0];
                }
            }
        }
        gpu.upload("table", &table)
    }

    fn buffer_of(&self, role: Role) -> &Buffer {
        match role {
            Role::RunningMean | Role::RunningVar => &self.statistics,
            _ => &self.weight,
        }
    }

    /// Overwrites a tensor with values in PyTorch's order.
    ///
    /// # Errors
    /// A number of values that differs from the tensor's.
    pub fn set(&self, gpu: &Gpu, parameter: &Parameter, values: &[f32]) -> Result<()> {
        self.set_in(gpu, self.buffer_of(parameter.role), parameter, values)
    }

    /// As [`Weights::set`], in another flat buffer of the same layout (an optimizer's momentum, say).
    ///
    /// # Errors
    /// A number of values that differs from the tensor's.
    pub fn set_in(&self, gpu: &Gpu, buffer: &Buffer, parameter: &Parameter, values: &[f32]) -> Result<()> {
        if values.len() != parameter.len() {
            let (name, want, got) = (&parameter.name, parameter.len(), values.len());
            return Err(Error::Device(format!("tensor {name}: expected {want} values, got {got}")));
        }
        gpu.write(&Self::one(buffer, parameter), &parameter.pack(values))
    }

    /// The loss scale as the device has it.
    ///
    /// # Errors
    /// A lost device.
    pub fn loss_scale(&self, gpu: &Gpu) -> Result<LossScale> {
        let words: Vec<u32> = gpu.read(&self.scaling.view())?;
        Ok(bytemuck::cast([words[0], words[1], words[2], words[3]]))
    }

    /// Overwrites the loss scale.
    ///
    /// # Errors
    /// A lost device.
    pub fn set_loss_scale(&self, gpu: &Gpu, scale: LossScale) -> Result<()> {
        gpu.write(&self.scaling.view(), &[scale])
    }

    /// All `tensors` of a flat buffer, in PyTorch's order of elements.
    ///
    /// # Errors
    /// A lost device.
    pub fn get(&self, gpu: &Gpu, buffer: &Buffer, tensors: &[Parameter]) -> Result<Vec<Vec<f32>>> {
        let flat: Vec<f32> = gpu.read(&buffer.view())?;
        Ok(tensors.iter().map(|p| p.unpack(&flat[p.first..p.first + p.words])).collect())
    }
}

/// The parameter whose gradient a node gives in parts, and how many.
fn partials_of(network: &Network, node: &Node, batch: usize) -> Option<(usize, usize)> {
    match &node.layer {
        Layer::Conv { weight, .. } => Some((*weight, conv_of(network, node, batch).splits())),
        Layer::Activation { activation, learned: Some(learned), .. } => {
            let [height, width, channels] = network.shape(node.input);
            let rows = Rows { batch, pixels: height * width, channels, workgroup: Rows::WIDE };
            let noise = Noise { seed: 0, layer: 0 };
            Some((*learned, Learned { activation, train: true, noise, rows }.splits()))
        }
        Layer::Bias { bias } => {
            let [height, width, channels] = network.shape(node.input);
            let rows = Rows { batch, pixels: height * width, channels, workgroup: Rows::WIDE };
            Some((*bias, rows.reduction_chunks()))
        }
        _ => None,
    }
}

/// First word of each parameter's partial gradients, and the words of all, for the largest batch.
pub(super) fn layout_partials(network: &Network, batch: usize) -> (Vec<usize>, usize) {
    let mut first = vec![0; network.parameters.len()];
    let mut next = 0;
    for node in &network.nodes {
        if let Some((weight, splits)) = partials_of(network, node, batch) {
            first[weight] = next;
            next += network.parameters[weight].words.next_multiple_of(ALIGN) * splits;
        }
    }
    (first, next.max(ALIGN))
}

/// A convolution node's shape for `batch` images.
pub(super) fn conv_of(network: &Network, node: &Node, batch: usize) -> Conv {
    let Layer::Conv { kernel, stride, padding, .. } = node.layer else {
        unreachable!("only asked of convolutions")
    };
    let [height, width, in_channels] = network.shape(node.input);
    Conv { batch, height, width, in_channels, out_channels: node.shape[2], kernel, stride, padding }
}

impl Parameter {
    /// Values in PyTorch's order of elements as they are stored.
    fn pack(&self, values: &[f32]) -> Vec<f32> {
        match *self.shape.as_slice() {
            [out, inputs, k, _] => conv::pack_weights(values, out, inputs, k),
            [out, inputs] => conv::pack_weights(values, out, inputs, 1),
            _ => batchnorm::pack_channels(values),
        }
    }

    /// Stored values in PyTorch's order of elements.
    pub fn unpack(&self, stored: &[f32]) -> Vec<f32> {
        match *self.shape.as_slice() {
            [out, inputs, k, _] => conv::unpack_weights(stored, out, inputs, k),
            [out, inputs] => conv::unpack_weights(stored, out, inputs, 1),
            _ => stored[..self.len()].to_vec(),
        }
    }
}
