//! Test-time augmentation: the mean of a network's logits for some views of each image (Jordan, arXiv 2404.00498, section 3.5).

use super::dataset::DeviceImages;
use super::evaluate::Evaluator;
use crate::Result;
use crate::config::Tta;
use crate::data::Images;
use crate::gpu::Gpu;

/// A view of an image: moved by whole pixels, the border mirrored at its outermost pixels, and mirrored left to right then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageView {
    /// Whether left and right change places.
    pub mirrored: bool,
    /// How far to the right and below a pixel's source lies, in pixels: less than height and width, either sign.
    pub shift: i32,
}

impl ImageView {
    /// These views of all images, with their labels.
    pub fn of(self, images: &Images) -> Images {
        let each = images.pixels.chunks_exact(images.image_bytes());
        let pixels = each.flat_map(|image| self.of_image(image, images)).collect();
        Images { pixels, labels: images.labels.clone(), ..*images }
    }

    /// This view of one image of the set.
    pub fn of_image(self, image: &[u8], set: &Images) -> Vec<u8> {
        let (height, width) = (set.height as i32, set.width as i32);
        let inside = |at: i32, size: i32| if at < 0 { -at } else { at.min(2 * size - 2 - at) };
        let mut pixels = Vec::with_capacity(image.len());
        for place in 0..height * width {
            let column = place % width;
            let column = if self.mirrored { width - 1 - column } else { column };
            let (h, w) = (inside(place / width + self.shift, height), inside(column + self.shift, width));
            let first = 3 * (h * width + w) as usize;
            pixels.extend_from_slice(&image[first..first + 3]);
        }
        pixels
    }
}

/// The views, each with its weight in the mean.
pub fn views(tta: Tta) -> Vec<(ImageView, f64)> {
    let shifts: &[(i32, f64)] = match tta {
        Tta::None => return vec![(ImageView { mirrored: false, shift: 0 }, 1.0)],
        Tta::Flip => &[(0, 1.0)],
        Tta::FlipTranslate => &[(0, 0.5), (-1, 0.25), (1, 0.25)],
    };
    let both = |&(shift, weight): &(i32, f64)| {
        [false, true].map(|mirrored| (ImageView { mirrored, shift }, 0.5 * weight))
    };
    shifts.iter().flat_map(both).collect()
}

impl Evaluator<'_> {
    /// The mean logits of the images with these numbers (as many as the evaluator was made for), `classes` each. `data` is what the
    /// evaluator was made with, and `images` are what it holds.
    ///
    /// # Errors
    /// A lost device.
    pub fn mean_logits(
        &self,
        gpu: &Gpu,
        order: &[u32],
        (data, images): (&DeviceImages, &Images),
        tta: Tta,
    ) -> Result<Vec<f32>> {
        if tta == Tta::None {
            return self.logits(gpu, order);
        }
        let mut mean: Vec<f64> = Vec::new();
        for (view, weight) in views(tta) {
            if !self.batches.see(Some(view)) {
                data.replace(gpu, &view.of(images))?;
            }
            let logits = self.logits(gpu, order)?;
            mean.resize(logits.len(), 0.0);
            mean.iter_mut().zip(logits).for_each(|(mean, logit)| *mean += weight * f64::from(logit));
        }
        if !self.batches.see(None) {
            data.replace(gpu, images)?;
        }
        Ok(mean.into_iter().map(|mean| mean as f32).collect())
    }
}
