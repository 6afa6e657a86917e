//! The types that hold a data set.

use sha2::{Digest, Sha256};

/// A classification data set: training and test images with the names of their classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Name for logs and checkpoints, such as `cifar10` or `sample`.
    pub name: String,
    /// The name of class `i` at index `i`.
    pub classes: Vec<String>,
    /// Training images, before any split.
    pub train: Images,
    /// Test images.
    pub test: Images,
}

/// Images of one size with a label each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Height H in pixels.
    pub height: u32,
    /// Width W in pixels.
    pub width: u32,
    /// Channels C: 3, in the order red, green, blue.
    pub channels: u32,
    /// N x H x W x C bytes, interleaved (NHWC), each 0..=255.
    pub pixels: Vec<u8>,
    /// N labels, each an index into [`Dataset::classes`].
    pub labels: Vec<u8>,
}

impl Images {
    /// No images yet, of the given size, three channels.
    pub fn empty(height: u32, width: u32) -> Self {
        Self { height, width, channels: 3, pixels: Vec::new(), labels: Vec::new() }
    }

    /// The number of images N.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of one image: H x W x C.
    pub fn image_bytes(&self) -> usize {
        self.height as usize * self.width as usize * self.channels as usize
    }

    /// The H x W x C bytes of image `i`, which must be below [`len`](Self::len) (as for any slice, it panics otherwise).
    pub fn image(&self, i: usize) -> &[u8] {
        let size = self.image_bytes();
        &self.pixels[i * size..(i + 1) * size]
    }

    /// SHA-256 over all pixels, then all labels, in lower-case hexadecimal: tells a checkpoint which data it saw.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.pixels);
        hash.update(&self.labels);
        super::hex(&hash.finalize())
    }
}
