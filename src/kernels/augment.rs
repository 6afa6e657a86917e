//! The batch's images, from bytes on the device (`shaders/augment`).

use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use super::{lib, shader};
use crate::Result;
use crate::gpu::{Access, Buffer, Constants, Dispatch, Gpu, Groups, Kernel, View};

/// Shift, flip, standardise, cut out.
pub static GATHER: Kernel = Kernel {
    name: "augment/gather",
    source: shader!("augment/gather"),
    libraries: &[lib::STATE, lib::PHILOX, lib::PLACEMENT],
    bindings: &[
        ("pixels", Access::Read),
        ("labels", Access::Read),
        ("order", Access::Read),
        ("state", Access::Read),
        ("statistics", Access::Read),
        ("images", Access::Write),
        ("batch_labels", Access::Write),
    ],
    params_bytes: size_of::<Params>(),
    workgroup: 64,
    constants: &[
        "HEIGHT",
        "WIDTH",
        "CROP",
        "SHIFT",
        "FILL",
        "FLIP",
        "ALTERNATE",
        "CUTOUT",
        "NORMALIZE",
        "FIRST",
        "GATHERED",
    ],
    activation: false,
};

/// Pairs of images become mixtures.
pub static MIXUP: Kernel = Kernel {
    name: "augment/mixup",
    source: shader!("augment/mixup"),
    libraries: &[lib::STATE, lib::INDEX],
    bindings: &[("state", Access::Read), ("images", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &[],
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
    reach: [f32; 2],
    pad: u32,
}

/// How pixel bytes become network inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Normalize {
    /// The bytes themselves, 0..255.
    Raw,
    /// Bytes over 255.
    Scaled,
    /// (v - mean) / (std + 1e-7) over all values of the image.
    PerImage,
    /// (v - mean) / max(std, 1/sqrt(values)) over all values of the image (TensorFlow's `per_image_standardization`).
    PerImageAdjusted,
    /// (v / 255 - mean) / std for each channel.
    PerChannel {
        /// Mean of each channel, of values in 0..1.
        mean: [f32; 3],
        /// Standard deviation of each channel, of values in 0..1.
        std: [f32; 3],
    },
    /// (v - mean) * factor for each pixel and channel.
    PerPixel(Arc<[PixelScale]>),
}

/// Mean and factor of a pixel's channels, in units of bytes; fourth components 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct PixelScale {
    /// What is subtracted.
    pub mean: [f32; 4],
    /// What the difference is multiplied by.
    pub factor: [f32; 4],
}

impl Normalize {
    /// The shader's number, subtrahend and factor, in units of bytes.
    fn parts(&self) -> (u32, [f32; 4], [f32; 4]) {
        match *self {
            Self::Raw => (0, [0.0; 4], [1.0; 4]),
            Self::Scaled => (0, [0.0; 4], [1.0 / 255.0; 4]),
            Self::PerChannel { mean: [a, b, c], std: [d, e, f] } => {
                (0, [a * 255.0, b * 255.0, c * 255.0, 0.0], [d, e, f, 1.0].map(|s| 1.0 / (s * 255.0)))
            }
            Self::PerImage => (1, [0.0; 4], [1.0; 4]),
            Self::PerImageAdjusted => (2, [0.0; 4], [1.0; 4]),
            Self::PerPixel(_) => (3, [0.0; 4], [1.0; 4]),
        }
    }

    /// The statistics of each pixel, for [`GatherViews`]; a little for those that have none.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn statistics(&self, gpu: &Gpu) -> Result<Buffer> {
        match self {
            Self::PerPixel(all) => gpu.upload("pixel statistics", all),
            _ => gpu.buffer("pixel statistics", size_of::<PixelScale>() / 4),
        }
    }
}

/// How far images are shifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shift {
    /// Whole pixels, each of -most..=most alike, in both directions.
    Whole {
        /// Most pixels; 0 for none.
        most: u32,
    },
    /// Whole pixels as Keras' `ImageDataGenerator` draws for an integer range most + 1: 0..=most alike, then a sign, so that 0 is
    /// as likely as k and -k together.
    KerasWhole {
        /// Most pixels; 0 for none.
        most: u32,
    },
    /// Any distance up to this share of the size, alike, with bilinear weights (Keras' fractional ranges).
    Fraction {
        /// Share of height and width, at most 1/2.
        share: f32,
    },
}

/// What lies outside of a shifted image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// Zero.
    #[default]
    Zero,
    /// The image mirrored at its outermost pixels, which are not repeated.
    Reflect,
    /// The outermost pixel.
    Edge,
}

/// Which images are mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flip {
    /// None.
    #[default]
    Never,
    /// Each with probability 1/2.
    Random,
    /// Each in every second epoch, half of them in the first.
    Alternate,
}

/// What a training image goes through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augment {
    /// How far it is shifted.
    pub shift: Shift,
    /// What comes in from outside.
    pub fill: Fill,
    /// Whether it is mirrored.
    pub flip: Flip,
    /// Side of the square that is set to 0 in the end, in pixels; 0 for none.
    pub cutout: u32,
    /// Whether it is normalised before all that, not between flip and cutout.
    pub normalize_first: bool,
}

impl Augment {
    /// Nothing: evaluation.
    pub const NONE: Self = Self {
        shift: Shift::Whole { most: 0 },
        fill: Fill::Zero,
        flip: Flip::Never,
        cutout: 0,
        normalize_first: false,
    };

    fn constants(&self, all: Constants) -> Constants {
        let (kind, most) = match self.shift {
            Shift::Whole { most } => (0, most),
            Shift::KerasWhole { most } => (1, most),
            Shift::Fraction { .. } => (2, 0),
        };
        all.u32("CROP", most)
            .u32("SHIFT", kind)
            .u32("FILL", self.fill as u32)
            .bool("FLIP", self.flip == Flip::Random)
            .bool("ALTERNATE", self.flip == Flip::Alternate)
            .u32("CUTOUT", self.cutout)
            .bool("FIRST", self.normalize_first)
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
#[derive(Clone, Debug)]
pub struct Gather {
    /// Images of the batch.
    pub batch: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// What an image goes through.
    pub augment: Augment,
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
    /// [`Normalize::statistics`].
    pub statistics: &'a View,
    /// The batch: N,HEIGHT,WIDTH,4.
    pub images: &'a View,
    /// The batch's labels.
    pub batch_labels: &'a View,
}

impl Gather {
    /// Takes those images of the batch that lie in `chunk`.
    pub fn dispatch(&self, chunk: &Chunk, images: usize, views: GatherViews) -> Dispatch {
        self.dispatch_from(&chunk.pixels, Some((chunk.first, chunk.count)), images, views)
    }

    /// Takes the batch's images from `pixels`, where the host has put them one after another: to the same bits.
    pub fn dispatch_gathered(&self, pixels: &View, images: usize, views: GatherViews) -> Dispatch {
        self.dispatch_from(pixels, None, images, views)
    }

    /// From the part of the data set that is (first image, number of images), or from the batch itself.
    fn dispatch_from(
        &self,
        pixels: &View,
        part: Option<(usize, usize)>,
        images: usize,
        views: GatherViews,
    ) -> Dispatch {
        let (first, count) = part.map_or((0, u32::MAX), |(first, count)| (first as u32, count as u32));
        let (normalize, mean, inverse_std) = self.normalize.parts();
        let reach = match self.augment.shift {
            Shift::Fraction { share } => [self.height, self.width].map(|size| share * size as f32),
            _ => [0.0; 2],
        };
        let params = Params {
            batch: self.batch as u32,
            images: images as u32,
            first,
            count,
            mean,
            inverse_std,
            seed: self.seed,
            reach,
            pad: 0,
        };
        let GatherViews { labels, order, state, statistics, images, batch_labels } = views;
        let bindings = [pixels, labels, order, state, statistics, images, batch_labels];
        let size = Constants::new().u32("HEIGHT", self.height as u32).u32("WIDTH", self.width as u32);
        let constants = self.augment.constants(size).u32("NORMALIZE", normalize);
        Dispatch::new(&GATHER, &bindings, params, Groups([self.batch as u32, 1, 1]))
            .constants(constants.bool("GATHERED", part.is_none()))
    }
}

/// Image n and image batch - 1 - n of `images` become mixtures by the state's share.
pub fn mixup(batch: usize, pixels: usize, state: &View, images: &View) -> Dispatch {
    Dispatch::new(
        &MIXUP,
        &[state, images],
        [batch as u32, pixels as u32, 0, 0],
        Groups::cover((batch / 2 * pixels).max(1) as u64, MIXUP.workgroup),
    )
}
