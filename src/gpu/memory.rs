//! How many bytes of buffers there are, and were.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of a device's buffers.
#[derive(Debug, Default)]
pub(super) struct Memory {
    created: AtomicU64,
    created_bytes: AtomicU64,
    live: AtomicU64,
    peak: AtomicU64,
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
