//! From the device to the host: at once, or without a stall.

use std::sync::mpsc;

use super::{Buffer, Gpu, View};
use crate::{Error, Result};

impl Gpu {
    /// Makes room for reads of up to `bytes` bytes, so that none allocates later.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn reserve_readback(&self, bytes: u64) -> Result<()> {
        let mut kept = self.readback.lock().unwrap_or_else(|e| e.into_inner());
        if kept.as_ref().is_none_or(|readback| readback.staging.bytes() < bytes) {
            *kept = Some(Readback::new(self, bytes)?);
        }
        Ok(())
    }

    /// Copies a view to the host; waits for all work before it.
    ///
    /// # Errors
    /// A lost device, or one without memory for the copy.
    pub fn read<T: bytemuck::AnyBitPattern + bytemuck::NoUninit>(&self, view: &View) -> Result<Vec<T>> {
        self.reserve_readback(view.bytes)?;
        let mut kept = self.readback.lock().unwrap_or_else(|e| e.into_inner());
        let readback = match &mut *kept {
            Some(readback) => readback,
            none => none.insert(Readback::new(self, view.bytes)?),
        };
        readback.start(self, view);
        let bytes = readback.finish(self)?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }
}

/// A staging buffer that is made once and used again and again: start a copy, go on submitting, take the bytes when they
/// have come.
pub struct Readback {
    staging: Buffer,
    pending: Option<(mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>, u64)>,
}

impl Readback {
    /// Room for `bytes` bytes.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn new(gpu: &Gpu, bytes: u64) -> Result<Self> {
        Ok(Self { staging: gpu.staging(bytes)?, pending: None })
    }

    /// Whether a copy is under way.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Starts to copy `view`, after all work submitted so far. A copy that is still under way is left alone and this one
    /// is not started.
    ///
    /// # Panics
    /// Where the view is longer than the room: a fault of the program.
    pub fn start(&mut self, gpu: &Gpu, view: &View) {
        if self.pending.is_some() {
            return;
        }
        assert!(view.bytes <= self.staging.bytes(), "readback of {}: too long", view.buffer.label());
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&view.buffer.raw, view.offset, &self.staging.raw, 0, Some(view.bytes));
        gpu.queue.submit([encoder.finish()]);
        let (sender, receiver) = mpsc::channel();
        self.staging.raw.slice(..view.bytes).map_async(wgpu::MapMode::Read, move |result| {
            // The receiver is gone where the readback was dropped: then nobody asks.
            let _ = sender.send(result);
        });
        self.pending = Some((receiver, view.bytes));
    }

    /// The bytes, where they have come; never waits.
    ///
    /// # Errors
    /// A lost device.
    pub fn poll(&mut self, gpu: &Gpu) -> Result<Option<Vec<u8>>> {
        let Some((receiver, bytes)) = &self.pending else { return Ok(None) };
        let _ = gpu.device.poll(wgpu::PollType::Poll);
        gpu.check_fault()?;
        match receiver.try_recv() {
            Err(mpsc::TryRecvError::Empty) => Ok(None),
            Ok(Ok(())) => {
                let bytes = *bytes;
                self.take(gpu, bytes).map(Some)
            }
            Ok(Err(_)) | Err(_) => Err(Error::Device(format!("device {}: a readback failed", gpu.name()))),
        }
    }

    /// Waits for the bytes of the copy under way.
    ///
    /// # Errors
    /// A lost device, or no copy under way.
    pub fn finish(&mut self, gpu: &Gpu) -> Result<Vec<u8>> {
        while self.pending.is_some() {
            if let Some(bytes) = self.poll(gpu)? {
                return Ok(bytes);
            }
            gpu.wait()?;
        }
        Err(Error::Device(format!("device {}: no readback under way", gpu.name())))
    }

    fn take(&mut self, gpu: &Gpu, bytes: u64) -> Result<Vec<u8>> {
        let content = self.staging.raw.slice(..bytes).get_mapped_range().map(|range| range.to_vec());
        self.staging.raw.unmap();
        self.pending = None;
        content.map_err(|e| Error::Device(format!("device {}: a readback failed: {e}", gpu.name())))
    }
}
