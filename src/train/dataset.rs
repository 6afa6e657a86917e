//! A data set for the device: its bytes lie there, in as many buffers as the binding limit asks for, or come batch by batch.

use super::feed::{BatchViews, Batches, Feed, From};
use super::memory;
use crate::config::{Residence, RunConfig};
use crate::data::Images;
use crate::gpu::{Buffer, Gpu, Recorder, View};
use crate::kernels::augment::{Augment, Chunk, Gather, Normalize};
use crate::kernels::optimizer::State;
use crate::{Error, Result};

/// A set of images for the device. Labels are there in any case.
pub struct DeviceImages<'i> {
    pixels: Pixels<'i>,
    labels: Buffer,
    /// Number of images.
    pub count: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

/// Where the pixels are.
enum Pixels<'i> {
    Device(Vec<Chunk>),
    Host(&'i Images),
}

impl<'i> DeviceImages<'i> {
    /// Leaves the images in the host's memory: each batch is brought when its step is submitted.
    ///
    /// # Errors
    /// Not enough device memory for the labels.
    pub fn stream(gpu: &Gpu, images: &'i Images) -> Result<Self> {
        Self::with(gpu, images, Pixels::Host(images))
    }

    /// Uploads the images or leaves them, as `data.resident` says; `"auto"` uploads what fits.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn place(gpu: &Gpu, config: &RunConfig, images: &'i Images) -> Result<Self> {
        let auto = config.data.resident == Residence::Auto;
        let too_large = auto && !memory::takes(gpu, config, images.pixels.len() as u64);
        if config.data.resident == Residence::Never || too_large {
            return Self::stream(gpu, images);
        }
        match Self::upload(gpu, images) {
            Err(Error::Memory { .. }) if auto => Self::stream(gpu, images),
            placed => placed,
        }
    }

    /// Whether batches come from the host's memory.
    pub fn streams(&self) -> bool {
        matches!(self.pixels, Pixels::Host(_))
    }

    /// What a plan with batches of up to `most` images takes them from.
    ///
    /// # Errors
    /// Not enough device memory.
    pub(super) fn batches(&self, gpu: &Gpu, most: usize) -> Result<Batches<'i>> {
        let from = match &self.pixels {
            Pixels::Device(chunks) => From::Device(chunks.clone()),
            Pixels::Host(images) => From::Host(Feed::new(gpu, images, most)?),
        };
        Ok(Batches { labels: self.labels.view(), from })
    }

    fn with(gpu: &Gpu, images: &Images, pixels: Pixels<'i>) -> Result<Self> {
        let labels: Vec<u32> = images.labels.iter().map(|&label| u32::from(label)).collect();
        Ok(Self {
            pixels,
            labels: gpu.upload("labels", &labels)?,
            count: images.len(),
            height: images.height as usize,
            width: images.width as usize,
        })
    }

    /// Uploads all images; a buffer takes no more than the device binds at once.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn upload(gpu: &Gpu, images: &Images) -> Result<Self> {
        let limits = gpu.limits();
        let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        Self::upload_parts(gpu, images, usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// The same with at most `most` bytes a buffer, but an image at least.
    ///
    /// # Errors
    /// As [`DeviceImages::upload`].
    pub fn upload_parts(gpu: &Gpu, images: &Images, most: usize) -> Result<Self> {
        let size = images.image_bytes();
        let per_chunk = (most / size).max(1);
        let mut chunks = Vec::new();
        for (index, part) in images.pixels.chunks(per_chunk * size).enumerate() {
            let mut bytes = part.to_vec();
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            let pixels = gpu.upload("pixels", &bytes)?.view();
            chunks.push(Chunk { pixels, first: index * per_chunk, count: part.len() / size });
        }
        Self::with(gpu, images, Pixels::Device(chunks))
    }

    /// Puts other images in the place of these: as many, of the same size. Labels stay, and so do images that are the host's.
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
        let Pixels::Device(chunks) = &self.pixels else { return Ok(()) };
        for chunk in chunks {
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
        let (batches, mut recorder) = (self.batches(gpu, order.len())?, Recorder::new());
        batches.gather(&gather, order.len(), &views, &mut recorder);
        let plan = recorder.finish(gpu)?;
        batches.begin(order);
        batches.bring(gpu, 0, order.len())?;
        plan.run(gpu)
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
}
