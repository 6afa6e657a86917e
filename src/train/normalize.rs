//! From the configuration to what becomes of the pixels.

use crate::config::{AugmentConfig, Fill, Normalization, RunConfig, Shift};
use crate::data::Images;
use crate::kernels::augment::{self, Augment, Flip, Normalize, PixelScale};

/// The configured augmentation.
pub fn augment(config: &AugmentConfig) -> Augment {
    Augment {
        shift: match config.shift {
            Shift::Whole => augment::Shift::Whole { most: config.pad },
            Shift::KerasWhole => augment::Shift::KerasWhole { most: config.pad },
            Shift::Fraction => augment::Shift::Fraction { share: config.range as f32 },
        },
        fill: match config.fill {
            Fill::Zero => augment::Fill::Zero,
            Fill::Reflect => augment::Fill::Reflect,
            Fill::Edge => augment::Fill::Edge,
        },
        flip: match (config.flip, config.alternate) {
            (false, _) => Flip::Never,
            (true, false) => Flip::Random,
            (true, true) => Flip::Alternate,
        },
        cutout: config.cutout,
        normalize_first: config.normalize_first,
    }
}

/// The configured normalisation; means and standard deviations that are not given are those of the training images.
pub fn normalize(config: &RunConfig, images: &Images, train: &[u32]) -> Normalize {
    match config.augment.normalization {
        Normalization::Raw => Normalize::Raw,
        Normalization::Scaled => Normalize::Scaled,
        Normalization::PerImage => Normalize::PerImage,
        Normalization::PerImageAdjusted => Normalize::PerImageAdjusted,
        Normalization::PerPixel => per_pixel(images, train, true),
        Normalization::PerPixelMean => per_pixel(images, train, false),
        Normalization::PerChannel => {
            let (mean, std) = match (config.augment.mean, config.augment.std) {
                (Some(mean), Some(std)) => (mean, std),
                (mean, std) => {
                    let own = channel_statistics(images, train);
                    (mean.unwrap_or(own.0), std.unwrap_or(own.1))
                }
            };
            Normalize::PerChannel { mean: mean.map(|v| v as f32), std: std.map(|v| v as f32) }
        }
    }
}

/// Mean of each pixel and channel, and 1/deviation of its bytes or 1/255. A place that never changes has no deviation: 1.
fn per_pixel(images: &Images, train: &[u32], deviations: bool) -> Normalize {
    let size = images.image_bytes();
    // Sums of bytes and of their squares are exact in 64 bits.
    let mut sums = vec![[0u64; 2]; size];
    for &index in train {
        for (sum, &byte) in sums.iter_mut().zip(images.image(index as usize)) {
            let byte = u64::from(byte);
            sum[0] += byte;
            sum[1] += byte * byte;
        }
    }
    let count = train.len().max(1) as f64;
    let place = |&[sum, squares]: &[u64; 2]| {
        let mean = sum as f64 / count;
        let deviation = (squares as f64 / count - mean * mean).max(0.0).sqrt();
        let factor = match (deviations, deviation > 0.0) {
            (false, _) => 1.0 / 255.0,
            (true, true) => 1.0 / deviation,
            (true, false) => 1.0,
        };
        (mean as f32, factor as f32)
    };
    let pixel = |channels: &[[u64; 2]]| {
        let [a, b, c] = [0, 1, 2].map(|c| place(&channels[c]));
        PixelScale { mean: [a.0, b.0, c.0, 0.0], factor: [a.1, b.1, c.1, 0.0] }
    };
    Normalize::PerPixel(sums.chunks_exact(3).map(pixel).collect())
}

fn channel_statistics(images: &Images, train: &[u32]) -> ([f64; 3], [f64; 3]) {
    let mut counts = [[0u64; 256]; 3];
    for &index in train {
        for pixel in images.image(index as usize).chunks_exact(3) {
            for (count, &byte) in counts.iter_mut().zip(pixel) {
                count[usize::from(byte)] += 1;
            }
        }
    }
    let moment = |count: &[u64; 256], f: &dyn Fn(f64) -> f64| {
        let total: u64 = count.iter().sum();
        count.iter().enumerate().map(|(byte, &n)| n as f64 * f(byte as f64 / 255.0)).sum::<f64>()
            / total.max(1) as f64
    };
    let mean = counts.map(|count| moment(&count, &|v| v));
    let mut std = [0.0; 3];
    for (channel, std) in std.iter_mut().enumerate() {
        let deviation = moment(&counts[channel], &|v| (v - mean[channel]).powi(2)).sqrt();
        // A channel that never changes has none.
        *std = if deviation > 0.0 { deviation } else { 1.0 };
    }
    (mean, std)
}
