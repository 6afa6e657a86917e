//! Images as bytes on the device, in as many buffers as its binding limit asks for.

use crate::data::Images;
use crate::gpu::{Buffer, Gpu, Recorder, View};
use crate::kernels::augment::{Augment, Chunk, Gather, GatherViews, Normalize};
use crate::kernels::optimizer::State;
use crate::{Error, Result};

/// A set of images on the device.
pub struct DeviceImages {
    chunks: Vec<Chunk>,
    labels: Buffer,
    /// Number of images.
    pub count: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl DeviceImages {
    /// Uploads all images; a buffer takes no more than the device binds at once.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn upload(gpu: &Gpu, images: &Images) -> Result<Self> {
        let limits = gpu.limits();
        let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) as usize;
        let size = images.image_bytes();
        let per_chunk = (most / size).max(1);
        let mut chunks = Vec::new();
        for (index, part) in images.pixels.chunks(per_chunk * size).enumerate() {
            let mut bytes = part.to_vec();
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            let pixels = gpu.upload("pixels", &bytes)?.view();
            chunks.push(Chunk { pixels, first: index * per_chunk, count: part.len() / size });
        }
        let labels: Vec<u32> = images.labels.iter().map(|&label| u32::from(label)).collect();
        Ok(Self {
            chunks,
            labels: gpu.upload("labels", &labels)?,
            count: images.len(),
            height: images.height as usize,
            width: images.width as usize,
        })
    }

    /// Puts other images in the place of these: as many, of the same size. Labels stay.
    ///
    /// # Errors
    /// Other sizes, or a lost device.
    pub fn replace(&self, gpu: &Gpu, images: &Images) -> Result<()> {
        let size = images.image_bytes();
        if images.len() != self.count || size != self.height * self.width * 3 {
            return Err(Error::usage(format!(
                "images: expected {} of {} bytes to replace as many, got {} of {size}",
                self.count,
                self.height * self.width * 3,
                images.len()
            )));
        }
        for chunk in &self.chunks {
            let mut bytes = images.pixels[chunk.first * size..][..chunk.count * size].to_vec();
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            gpu.write(&chunk.pixels, &bytes)?;
        }
        Ok(())
    }

    /// These images, normalised and no more, into `images`: N,HEIGHT,WIDTH,4.
    ///
    /// # Errors
    /// A lost device.
    pub fn gather_plain(&self, gpu: &Gpu, order: &[u32], normalize: &Normalize, images: View) -> Result<()> {
        let gather = Gather {
            batch: order.len(),
            height: self.height,
            width: self.width,
            augment: Augment::NONE,
            normalize: normalize.clone(),
            seed: 0,
        };
        let views = BatchViews {
            order: gpu.upload("order", order)?.view(),
            state: gpu.upload("state", &[State::default()])?.view(),
            statistics: normalize.statistics(gpu)?.view(),
            images,
            labels: gpu.buffer("batch labels", order.len())?.view(),
        };
        let mut recorder = Recorder::new();
        self.gather(&gather, order.len(), &views, &mut recorder);
        recorder.finish(gpu)?.run(gpu)
    }

    /// These images, normalised: N,HEIGHT,WIDTH,4.
    ///
    /// # Errors
    /// Not enough device memory, or a lost device.
    pub fn normalized(&self, gpu: &Gpu, order: &[u32], normalize: &Normalize) -> Result<Vec<f32>> {
        let images = gpu.buffer("images", order.len() * self.height * self.width * 4)?;
        self.gather_plain(gpu, order, normalize, images.view())?;
        gpu.read(&images.view())
    }

    /// Appends the gathering of a batch, whose images are order[cursor..] of `images` in all.
    pub fn gather(&self, gather: &Gather, images: usize, views: &BatchViews, recorder: &mut Recorder) {
        let labels = self.labels.view();
        for chunk in &self.chunks {
            let views = GatherViews {
                labels: &labels,
                order: &views.order,
                state: &views.state,
                statistics: &views.statistics,
                images: &views.images,
                batch_labels: &views.labels,
            };
            let mut dispatch = gather.dispatch(chunk, images, views);
            "images".clone_into(&mut dispatch.label);
            recorder.push(dispatch);
        }
    }
}

/// Where a batch is gathered from and to.
pub struct BatchViews {
    /// The epoch's order.
    pub order: View,
    /// The step's state.
    pub state: View,
    /// [`crate::kernels::augment::Normalize::statistics`].
    pub statistics: View,
    /// The batch's images.
    pub images: View,
    /// The batch's labels.
    pub labels: View,
}
