//! Batches of training images: gathered by index, cropped, flipped and normalised.

use crate::rng::{Stream, philox};

/// Colour channels of an image.
const CHANNELS: usize = 3;

/// All images as bytes, (count, height, width, 3).
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
}

/// How bytes become network inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Normalization {
    /// Subtract the mean over the image's height*width*3 values, divide by (their population std + 1e-7). The border
    /// that a crop brings in counts as values.
    PerImage,
    /// (byte/255 - mean)/std for each colour channel. The border is byte 0 before this.
    PerChannel {
        /// Means of red, green and blue in 0..1.
        mean: [f64; 3],
        /// Standard deviations of red, green and blue in 0..1.
        std: [f64; 3],
    },
}

/// Random crop and flip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Augment {
    /// Largest shift in pixels, in all four directions.
    pub pad: u32,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// First word of the key; the second is [`Stream::Augment`].
    pub seed: u32,
    /// The training step.
    pub step: u32,
}

/// Where an output image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Rows added to an output row to get the source row.
    pub dy: i64,
    /// Columns added to an output column, mirrored first if `flip`, to get the source column.
    pub dx: i64,
    /// Whether the crop is mirrored left to right.
    pub flip: bool,
}

impl Augment {
    /// The placement of sample `i` of a batch: of the Philox block with counter (i, step, 0, 0), word 0 and word 1 modulo
    /// (2*pad + 1), less pad, are the shifts dy and dx, and the top bit of word 2 is the flip.
    pub fn placement(&self, i: u32) -> Placement {
        let words = philox([i, self.step, 0, 0], [self.seed, Stream::Augment as u32]);
        let shift = |word: u32| i64::from(word % (2 * self.pad + 1)) - i64::from(self.pad);
        Placement { dy: shift(words[0]), dx: shift(words[1]), flip: self.flip && words[2] >> 31 == 1 }
    }
}

/// The batch (indices, height, width, 3) of the images at `indices`. Without `augment` (evaluation) images are taken as they
/// are. Source pixels outside the image are byte 0.
pub fn gather(
    images: Images,
    indices: &[u32],
    augment: Option<Augment>,
    normalization: Normalization,
) -> Vec<f64> {
    let mut batch = Vec::with_capacity(indices.len() * images.height * images.width * CHANNELS);
    for (i, &index) in indices.iter().enumerate() {
        let placement = match augment {
            Some(augment) => augment.placement(i as u32),
            None => Placement { dy: 0, dx: 0, flip: false },
        };
        let mut pixels = cut(images, index as usize, placement);
        normalize(&mut pixels, normalization);
        batch.extend(pixels);
    }
    batch
}

/// The raw values 0..255 of one image after crop and flip.
fn cut(images: Images, index: usize, placement: Placement) -> Vec<f64> {
    let (height, width) = (images.height, images.width);
    let size = height * width * CHANNELS;
    let count = images.bytes.len() / size;
    assert!(index < count, "image {index} is not below the number of images, {count}");
    let image = &images.bytes[index * size..(index + 1) * size];
    let mut pixels = Vec::with_capacity(size);
    for y in 0..height {
        for x in 0..width {
            let column = if placement.flip { width - 1 - x } else { x };
            let (source_y, source_x) = (y as i64 + placement.dy, column as i64 + placement.dx);
            let inside = (0..height as i64).contains(&source_y) && (0..width as i64).contains(&source_x);
            for c in 0..CHANNELS {
                let byte = if inside {
                    image[(source_y as usize * width + source_x as usize) * CHANNELS + c]
                } else {
                    0
                };
                pixels.push(f64::from(byte));
            }
        }
    }
    pixels
}

/// Normalises the raw values of one image in place.
fn normalize(pixels: &mut [f64], normalization: Normalization) {
    match normalization {
        Normalization::PerImage => {
            let count = pixels.len() as f64;
            let mean = pixels.iter().sum::<f64>() / count;
            let variance = pixels.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
            for value in pixels {
                *value = (*value - mean) / (variance.sqrt() + 1e-7);
            }
        }
        Normalization::PerChannel { mean, std } => {
            for (i, value) in pixels.iter_mut().enumerate() {
                *value = (*value / 255.0 - mean[i % CHANNELS]) / std[i % CHANNELS];
            }
        }
    }
}
