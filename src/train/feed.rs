//! Where a plan's batches come from: from images that lie on the device, or from the host's, brought batch by batch.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard};

use super::tta::ImageView;
use crate::Result;
use crate::data::Images;
use crate::gpu::{Buffer, Gpu, Recorder, Uploads, View};
use crate::kernels::augment::{Chunk, Gather, GatherViews};

/// Staging buffers of a feed: one is written while the device copies from the others.
pub(super) const SLOTS: usize = 3;

/// Where the batches of one plan, or of some with the same order, come from.
pub(super) struct Batches<'i> {
    pub(super) labels: View,
    pub(super) from: From<'i>,
}

/// Where pixels are.
pub(super) enum From<'i> {
    /// On the device.
    Device(Vec<Chunk>),
    /// In the host's memory.
    Host(Feed<'i>),
}

/// Where a batch is gathered from and to.
pub(super) struct BatchViews {
    /// The epoch's order.
    pub(super) order: View,
    /// The step's state.
    pub(super) state: View,
    /// [`crate::kernels::augment::Normalize::statistics`].
    pub(super) statistics: View,
    /// The batch's images.
    pub(super) images: View,
    /// The batch's labels.
    pub(super) labels: View,
}

impl Batches<'_> {
    /// Appends the gathering of a batch, whose images are order[cursor..] of `images` in all.
    pub(super) fn gather(&self, gather: &Gather, images: usize, views: &BatchViews, recorder: &mut Recorder) {
        let views = GatherViews {
            labels: &self.labels,
            order: &views.order,
            state: &views.state,
            statistics: &views.statistics,
            images: &views.images,
            batch_labels: &views.labels,
        };
        let mut push = |mut dispatch: crate::gpu::Dispatch| {
            "images".clone_into(&mut dispatch.label);
            recorder.push(dispatch);
        };
        match &self.from {
            From::Device(chunks) => {
                chunks.iter().for_each(|chunk| push(gather.dispatch(chunk, images, views)));
            }
            From::Host(feed) => push(gather.dispatch_gathered(&feed.pixels.view(), images, views)),
        }
    }

    /// Sets the order that [`Batches::bring`] follows.
    pub(super) fn begin(&self, order: &[u32]) {
        if let From::Host(feed) = &self.from {
            feed.state().order = order.to_vec();
        }
    }

    /// Sees to it that the next plan finds the images order[first..first + count]; beyond the order's end the last one stands. Does
    /// nothing where all are on the device.
    ///
    /// # Errors
    /// A lost device.
    pub(super) fn bring(&self, gpu: &Gpu, first: usize, count: usize) -> Result<()> {
        match &self.from {
            From::Device(_) => Ok(()),
            From::Host(feed) => feed.bring(gpu, first, count),
        }
    }

    /// From now on the host's images are brought in this view. Gives whether it could: not where they are on the device.
    pub(super) fn see(&self, view: Option<ImageView>) -> bool {
        match &self.from {
            From::Device(_) => false,
            From::Host(feed) => {
                feed.state().view = view;
                true
            }
        }
    }
}

/// Images of the host, and the way of a batch to the device.
pub(super) struct Feed<'i> {
    images: &'i Images,
    pixels: Buffer,
    state: Mutex<FeedState>,
}

struct FeedState {
    uploads: Uploads,
    order: Vec<u32>,
    view: Option<ImageView>,
}

impl<'i> Feed<'i> {
    /// Room for batches of up to `batch` images; nothing is allocated on the device after this.
    ///
    /// # Errors
    /// Not enough device memory.
    pub(super) fn new(gpu: &Gpu, images: &'i Images, batch: usize) -> Result<Self> {
        let bytes = batch * images.image_bytes();
        let uploads = Uploads::new(gpu, SLOTS, bytes as u64)?;
        let state = Mutex::new(FeedState { uploads, order: Vec::new(), view: None });
        Ok(Self { images, pixels: gpu.buffer("batch pixels", bytes.div_ceil(4))?, state })
    }

    /// Bytes on the device, with what the host writes to.
    pub(super) fn bytes(images: &Images, batch: usize) -> usize {
        (1 + SLOTS) * batch * images.image_bytes()
    }

    fn state(&self) -> MutexGuard<'_, FeedState> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn bring(&self, gpu: &Gpu, first: usize, count: usize) -> Result<()> {
        let FeedState { uploads, order, view } = &mut *self.state();
        let Some(last) = order.len().checked_sub(1) else { return Ok(()) };
        let parts = (first..first + count).map(|place| {
            let image = self.images.image(order[place.min(last)] as usize);
            view.map_or(Cow::Borrowed(image), |view| Cow::Owned(view.of_image(image, self.images)))
        });
        uploads.write(gpu, &self.pixels.view(), parts)
    }
}
