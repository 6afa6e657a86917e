//! Buffers with a label and a shape, and views of parts of them.

use std::sync::Arc;

use super::memory::Lease;

/// A storage buffer on the device; clones share it.
#[derive(Clone, Debug)]
pub struct Buffer {
    pub(super) raw: wgpu::Buffer,
    label: Arc<str>,
    bytes: u64,
    _lease: Arc<Lease>,
}

impl Buffer {
    pub(super) fn new(raw: wgpu::Buffer, label: &str, lease: Lease) -> Self {
        let bytes = raw.size();
        Self { raw, label: label.into(), bytes, _lease: Arc::new(lease) }
    }

    /// The name that errors and profiles show.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The whole buffer as a view.
    pub fn view(&self) -> View {
        View { buffer: self.clone(), offset: 0, bytes: self.bytes }
    }

    /// The part of `count` 4-byte words that starts at word `first`; `first` must be a multiple of 64 (WebGPU's binding
    /// alignment of 256 bytes).
    ///
    /// # Panics
    /// Where the part does not lie in the buffer or is not aligned: a fault of the program.
    pub fn words(&self, first: usize, count: usize) -> View {
        let (offset, bytes) = (first as u64 * 4, count as u64 * 4);
        assert!(offset.is_multiple_of(256), "buffer {}: view at word {first} is not aligned", self.label);
        assert!(offset + bytes <= self.bytes, "buffer {}: view {first}+{count} is outside", self.label);
        View { buffer: self.clone(), offset, bytes }
    }
}

/// A part of a buffer, as bound to a kernel.
#[derive(Clone, Debug)]
pub struct View {
    pub(super) buffer: Buffer,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl View {
    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Number of 4-byte words.
    pub fn len_words(&self) -> usize {
        (self.bytes / 4) as usize
    }

    /// The buffer that this is a part of.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// From this view's start to its buffer's end.
    pub fn to_end(&self) -> View {
        View { bytes: self.buffer.bytes - self.offset, ..self.clone() }
    }

    /// `count` words from word `first` of this view on; `first` as for [`Buffer::words`].
    ///
    /// # Panics
    /// As [`Buffer::words`].
    pub fn part(&self, first: usize, count: usize) -> View {
        assert!(
            (first + count) as u64 * 4 <= self.bytes,
            "buffer {}: a part beyond a view",
            self.buffer.label
        );
        self.buffer.words((self.offset / 4) as usize + first, count)
    }

    /// The first `count` words of this view.
    ///
    /// # Panics
    /// Where the view is shorter: a fault of the program.
    pub fn first(&self, count: usize) -> View {
        assert!(
            count as u64 * 4 <= self.bytes,
            "buffer {}: {count} words asked of a view",
            self.buffer.label
        );
        View { bytes: count as u64 * 4, ..self.clone() }
    }
}

impl From<&Buffer> for View {
    fn from(buffer: &Buffer) -> Self {
        buffer.view()
    }
}
