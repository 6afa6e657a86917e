//! How many bytes of buffers there are, and were; and what becomes of a driver that has no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Buffer, Gpu};
use crate::{Error, Result};

/// Counts of a device's buffers.
#[derive(Debug, Default)]
pub(super) struct Memory {
    created: AtomicU64,
    created_bytes: AtomicU64,
    live: AtomicU64,
    peak: AtomicU64,
    /// Least bytes that are refused; 0 for no such limit.
    refused: AtomicU64,
}

impl Memory {
    /// Counts a buffer of `bytes` bytes for as long as the lease is kept.
    pub(super) fn lease(self: &Arc<Self>, bytes: u64) -> Lease {
        self.created.fetch_add(1, Ordering::Relaxed);
        self.created_bytes.fetch_add(bytes, Ordering::Relaxed);
        let live = self.live.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(live, Ordering::Relaxed);
        Lease { memory: Arc::clone(self), bytes }
    }

    /// Whether so many more bytes pass what [`Gpu::cap_memory`] leaves.
    fn refuses(&self, bytes: u64) -> bool {
        let refused = self.refused.load(Ordering::Relaxed);
        refused > 0 && self.live() + bytes >= refused
    }

    /// Buffers made so far, and their bytes.
    pub(super) fn created(&self) -> (u64, u64) {
        (self.created.load(Ordering::Relaxed), self.created_bytes.load(Ordering::Relaxed))
    }

    /// Bytes of the buffers that there are.
    pub(super) fn live(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }

    /// Most bytes that there were at once.
    pub(super) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

/// The bytes of one buffer; they count until it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    memory: Arc<Memory>,
    bytes: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.memory.live.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Gpu {
    /// A buffer of `bytes` bytes that `make` creates.
    pub(super) fn allocate(
        &self,
        label: &str,
        bytes: u64,
        make: impl FnOnce(&wgpu::Device) -> wgpu::Buffer,
    ) -> Result<Buffer> {
        let none = || self.no_memory(format!("buffer {label} of {} MiB", bytes.div_ceil(1 << 20)));
        if self.memory.refuses(bytes) {
            return Err(none());
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let raw = make(&self.device);
        if pollster::block_on(scope.pop()).is_some() {
            return Err(none());
        }
        self.check_fault()?;
        Ok(Buffer::new(raw, label, self.memory.lease(bytes)))
    }

    pub(super) fn no_memory(&self, wanted: String) -> Error {
        Error::Memory { device: self.name().to_owned(), wanted, given: self.live_bytes() }
    }

    /// From now on buffers are refused, as a driver does that has no more, where all would have more than `most` bytes; `None` ends
    /// this. For programs that try what happens then.
    pub fn cap_memory(&self, most: Option<u64>) {
        self.memory.refused.store(most.map_or(0, |most| most.saturating_add(1)), Ordering::Relaxed);
    }
}
