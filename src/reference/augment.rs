//! Batches of training images: gathered by index, shifted, flipped, normalised, cut out, mixed.

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
pub enum Normalization<'a> {
    /// Subtract the mean over the image's height*width*3 values, divide by (their population std + 1e-7). The border
    /// that a crop brings in counts as values.
    PerImage,
    /// The same, divided by max(std, 1/sqrt(height*width*3)).
    PerImageAdjusted,
    /// (byte/255 - mean)/std for each colour channel. The border is byte 0 before this.
    PerChannel {
        /// Means of red, green and blue in 0..1.
        mean: [f64; 3],
        /// Standard deviations of red, green and blue in 0..1.
        std: [f64; 3],
    },
    /// (byte - mean)*factor for each of the height*width*3 places.
    PerPixel {
        /// Means in bytes.
        mean: &'a [f64],
        /// Factors.
        factor: &'a [f64],
    },
}

/// How the shift is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Draw {
    /// Each of -pad..=pad alike: word modulo (2*pad + 1), less pad.
    #[default]
    Uniform,
    /// 0..=pad alike, then a sign: (word / 2) modulo (pad + 1), negative where the word is odd.
    Signed,
    /// Any distance in -reach..reach: the top 24 bits, of 2^23, less 1, times reach.
    Fraction,
}

/// What lies outside of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// 0.
    #[default]
    Zero,
    /// The image mirrored at its outermost pixel, which is not repeated.
    Reflect,
    /// The outermost pixel.
    Edge,
}

/// Random shift, flip and cutout.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augment {
    /// Largest shift in pixels, in all four directions.
    pub pad: u32,
    /// How the shift is drawn.
    pub draw: Draw,
    /// Largest fractional shift in rows and columns.
    pub reach: [f64; 2],
    /// What comes in from outside.
    pub fill: Fill,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// Whether each image is mirrored in every second epoch.
    pub alternate: bool,
    /// Side of the square that is 0 in the end.
    pub cutout: u32,
    /// Whether images are normalised before they are shifted.
    pub normalize_first: bool,
    /// First word of the key; the second is [`Stream::Augment`].
    pub seed: u32,
    /// The training step.
    pub step: u32,
    /// The epoch, from 0.
    pub epoch: u32,
}

/// Where an output image comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Placement {
    /// Rows added to an output row to get the source row.
    pub dy: i64,
    /// Columns added to an output column, mirrored first if `flip`, to get the source column.
    pub dx: i64,
    /// Share of the next row and of the next column.
    pub part: [f64; 2],
    /// Whether the crop is mirrored left to right.
    pub flip: bool,
}

impl Augment {
    fn words(&self, element: u32, step: u32, layer: u32) -> [u32; 4] {
        philox([element, step, layer, 0], [self.seed, Stream::Augment as u32])
    }

    /// The placement of sample `i` of a batch: of the Philox block with counter (i, step, 0, 0), word 0 and word 1 are the
    /// shifts dy and dx, by `draw`, and the top bit of word 2 is the flip.
    pub fn placement(&self, i: u32) -> Placement {
        let words = self.words(i, self.step, 0);
        let shift = |axis: usize| -> (i64, f64) {
            let word = words[axis];
            match self.draw {
                Draw::Uniform => (i64::from(word % (2 * self.pad + 1)) - i64::from(self.pad), 0.0),
                Draw::Signed => {
                    let distance = i64::from(word / 2 % (self.pad + 1));
                    (if word % 2 == 1 { -distance } else { distance }, 0.0)
                }
                Draw::Fraction => {
                    let distance = (f64::from(word >> 8) / 8_388_608.0 - 1.0) * self.reach[axis];
                    (distance.floor() as i64, distance - distance.floor())
                }
            }
        };
        let ((dy, down), (dx, right)) = (shift(0), shift(1));
        Placement { dy, dx, part: [down, right], flip: self.flip && words[2] >> 31 == 1 }
    }

    /// Whether image `image` of the data set is mirrored in this epoch, where they take turns: the top bit of word 0 of
    /// the block (image, 0, 2, 0), the other way in odd epochs.
    pub fn turned(&self, image: u32) -> bool {
        (self.words(image, 0, 2)[0] >> 31 == 1) != (self.epoch % 2 == 1)
    }

    /// Rows and columns that sample `i` loses: word 0 modulo height and word 1 modulo width of the block (i, step, 1, 0)
    /// are the middle.
    pub fn hole(&self, i: u32, height: usize, width: usize) -> [std::ops::Range<i64>; 2] {
        let words = self.words(i, self.step, 1);
        let side = i64::from(self.cutout);
        let range = |word: u32, size: usize| {
            let first = i64::from(word % size as u32) - side / 2;
            first..first + side
        };
        [range(words[0], height), range(words[1], width)]
    }
}

/// The batch (indices, height, width, 3) of the images at `indices`. Without `augment` (evaluation) images are taken as they
/// are.
pub fn gather(
    images: Images,
    indices: &[u32],
    augment: Option<Augment>,
    normalization: Normalization,
) -> Vec<f64> {
    let mut batch = Vec::with_capacity(indices.len() * images.height * images.width * CHANNELS);
    for (i, &index) in indices.iter().enumerate() {
        let mut pixels = source(images, index as usize);
        match augment {
            None => normalize(&mut pixels, normalization),
            Some(augment) => {
                let mut placement = augment.placement(i as u32);
                if augment.alternate {
                    placement.flip = augment.turned(index);
                }
                if augment.normalize_first {
                    normalize(&mut pixels, normalization);
                }
                pixels = moved(&pixels, images.height, images.width, placement, augment.fill);
                if !augment.normalize_first {
                    normalize(&mut pixels, normalization);
                }
                if augment.cutout > 0 {
                    cut_out(&mut pixels, images.width, augment.hole(i as u32, images.height, images.width));
                }
            }
        }
        batch.extend(pixels);
    }
    batch
}

/// The raw values 0..255 of one image.
fn source(images: Images, index: usize) -> Vec<f64> {
    let size = images.height * images.width * CHANNELS;
    let count = images.bytes.len() / size;
    assert!(index < count, "image {index} is not below the number of images, {count}");
    images.bytes[index * size..(index + 1) * size].iter().map(|&byte| f64::from(byte)).collect()
}

/// A place in 0..size for one outside; none where the fill is 0.
fn inside(at: i64, size: usize, fill: Fill) -> Option<usize> {
    let last = size as i64 - 1;
    match fill {
        _ if (0..=last).contains(&at) => Some(at as usize),
        Fill::Zero => None,
        Fill::Reflect => Some(if at < 0 { -at } else { 2 * last - at } as usize),
        Fill::Edge => Some(at.clamp(0, last) as usize),
    }
}

/// One image after shift and flip; between pixels, the four around weigh by their nearness.
fn moved(image: &[f64], height: usize, width: usize, placement: Placement, fill: Fill) -> Vec<f64> {
    let at = |y: i64, x: i64, c: usize| match (inside(y, height, fill), inside(x, width, fill)) {
        (Some(y), Some(x)) => image[(y * width + x) * CHANNELS + c],
        _ => 0.0,
    };
    let [down, right] = placement.part;
    let mut pixels = Vec::with_capacity(image.len());
    for y in 0..height {
        for x in 0..width {
            let column = if placement.flip { width - 1 - x } else { x };
            let (y, x) = (y as i64 + placement.dy, column as i64 + placement.dx);
            for c in 0..CHANNELS {
                let mut value = (1.0 - down) * (1.0 - right) * at(y, x, c);
                if placement.part != [0.0; 2] {
                    value += (1.0 - down) * right * at(y, x + 1, c);
                    value += down * (1.0 - right) * at(y + 1, x, c);
                    value += down * right * at(y + 1, x + 1, c);
                }
                pixels.push(value);
            }
        }
    }
    pixels
}

fn cut_out(pixels: &mut [f64], width: usize, [rows, columns]: [std::ops::Range<i64>; 2]) {
    for (i, pixel) in pixels.chunks_exact_mut(CHANNELS).enumerate() {
        if rows.contains(&((i / width) as i64)) && columns.contains(&((i % width) as i64)) {
            pixel.fill(0.0);
        }
    }
}

/// Normalises the raw values of one image in place.
fn normalize(pixels: &mut [f64], normalization: Normalization) {
    match normalization {
        Normalization::PerImage | Normalization::PerImageAdjusted => {
            let count = pixels.len() as f64;
            let mean = pixels.iter().sum::<f64>() / count;
            let variance = pixels.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
            let divisor = match normalization {
                Normalization::PerImage => variance.sqrt() + 1e-7,
                _ => variance.sqrt().max(1.0 / count.sqrt()),
            };
            for value in pixels {
                *value = (*value - mean) / divisor;
            }
        }
        Normalization::PerChannel { mean, std } => {
            for (i, value) in pixels.iter_mut().enumerate() {
                *value = (*value / 255.0 - mean[i % CHANNELS]) / std[i % CHANNELS];
            }
        }
        Normalization::PerPixel { mean, factor } => {
            for (i, value) in pixels.iter_mut().enumerate() {
                *value = (*value - mean[i]) * factor[i];
            }
        }
    }
}

/// Mixup in place, over samples of `size` values: samples n and last - n become share*own + (1 - share)*other.
pub fn mixup(batch: &mut [f64], size: usize, share: f64) {
    let other: Vec<f64> = batch.chunks_exact(size).rev().flatten().copied().collect();
    for (own, other) in batch.iter_mut().zip(other) {
        *own = share * *own + (1.0 - share) * other;
    }
}
