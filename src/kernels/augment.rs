//! The batch's images, from bytes on the device (`shaders/augment`).

use bytemuck::{Pod, Zeroable};

use super::{lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};

/// Crop, flip, standardise.
pub static GATHER: Kernel = Kernel {
    name: "augment/gather",
    source: shader!("augment/gather"),
    libraries: &[lib::STATE, lib::PHILOX],
    bindings: &[
        ("pixels", Access::Read),
        ("labels", Access::Read),
        ("order", Access::Read),
        ("state", Access::Read),
        ("images", Access::Write),
        ("batch_labels", Access::Write),
    ],
    params_bytes: size_of::<Params>(),
    workgroup: 64,
    constants: &["HEIGHT", "WIDTH", "CROP", "FLIP", "NORMALIZE"],
    activation: false,
};

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    batch: u32,
    images: u32,
    first: u32,
    count: u32,
    mean: [f32; 4],
    inverse_std: [f32; 4],
    seed: u32,
    pad: [u32; 3],
}

/// How pixel bytes become network inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Normalize {
    /// The bytes themselves, 0..255.
    Raw,
    /// (v - mean) / (std + 1e-7) over all values of the image, after the crop.
    PerImage,
    /// (v / 255 - mean) / std for each channel.
    PerChannel {
        /// Mean of each channel, of values in 0..1.
        mean: [f32; 3],
        /// Standard deviation of each channel, of values in 0..1.
        std: [f32; 3],
    },
}

impl Normalize {
    /// The shader's number, subtrahend and factor, in units of bytes.
    fn parts(self) -> (u32, [f32; 4], [f32; 4]) {
        match self {
            Self::Raw => (0, [0.0; 4], [1.0; 4]),
            Self::PerImage => (1, [0.0; 4], [1.0; 4]),
            Self::PerChannel { mean: [a, b, c], std: [d, e, f] } => {
                (2, [a * 255.0, b * 255.0, c * 255.0, 0.0], [d, e, f, 1.0].map(|s| 1.0 / (s * 255.0)))
            }
        }
    }
}

/// A part of a data set in one buffer.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Bytes, HEIGHT x WIDTH x 3 an image.
    pub pixels: View,
    /// Number of its first image in the data set.
    pub first: usize,
    /// Number of images.
    pub count: usize,
}

/// How a batch is gathered.
#[derive(Clone, Copy, Debug)]
pub struct Gather {
    /// Images of the batch.
    pub batch: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// Most pixels that the crop moves, 0 for none.
    pub crop: usize,
    /// Whether half the images are mirrored.
    pub flip: bool,
    /// What becomes of the bytes.
    pub normalize: Normalize,
    /// The run's seed.
    pub seed: u32,
}

/// The views that gathering reads and writes besides the pixels.
#[derive(Clone, Copy, Debug)]
pub struct GatherViews<'a> {
    /// Label of each image of the data set, a word each.
    pub labels: &'a View,
    /// The epoch's order: numbers of images.
    pub order: &'a View,
    /// The step's state.
    pub state: &'a View,
    /// The batch: N,HEIGHT,WIDTH,4.
    pub images: &'a View,
    /// The batch's labels.
    pub batch_labels: &'a View,
}

impl Gather {
    /// Takes those images of the batch that lie in `chunk`.
    pub fn dispatch(&self, chunk: &Chunk, images: usize, views: GatherViews) -> Dispatch {
        let (normalize, mean, inverse_std) = self.normalize.parts();
        let params = Params {
            batch: self.batch as u32,
            images: images as u32,
            first: chunk.first as u32,
            count: chunk.count as u32,
            mean,
            inverse_std,
            seed: self.seed,
            pad: [0; 3],
        };
        Dispatch {
            kernel: &GATHER,
            constants: Constants::new()
                .u32("HEIGHT", self.height as u32)
                .u32("WIDTH", self.width as u32)
                .u32("CROP", self.crop as u32)
                .bool("FLIP", self.flip)
                .u32("NORMALIZE", normalize),
            activation: None,
            bindings: [
                &chunk.pixels,
                views.labels,
                views.order,
                views.state,
                views.images,
                views.batch_labels,
            ]
            .into_iter()
            .cloned()
            .collect(),
            params: bytemuck::bytes_of(&params).to_vec(),
            groups: Groups([self.batch as u32, 1, 1]),
            label: String::new(),
            flops: 0,
        }
    }
}
