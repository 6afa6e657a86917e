//! From the host to the device again and again, while earlier work is under way.

use std::sync::mpsc;
use std::time::Duration;

use super::{Buffer, Gpu, View, Work};
use crate::{Error, Result};

/// Staging buffers that take turns: one is written by the host while the device copies from the others.
pub struct Uploads {
    slots: Vec<Slot>,
    next: usize,
}

/// Tells that the host has a staging buffer back.
type Returned = mpsc::Receiver<std::result::Result<(), wgpu::BufferAsyncError>>;

/// A staging buffer, the copy from it that is under way, and what says that the host has it back.
struct Slot {
    staging: Buffer,
    copy: Option<Work>,
    returned: Returned,
}

/// Asks for a staging buffer as soon as nothing copies from it.
fn ask(staging: &Buffer) -> Returned {
    let (sender, receiver) = mpsc::channel();
    staging.raw.slice(..).map_async(wgpu::MapMode::Write, move |result| {
        // The receiver is gone where the uploads were dropped: then nobody asks.
        let _ = sender.send(result);
    });
    receiver
}

impl Uploads {
    /// `slots` staging buffers of `bytes` bytes each; nothing is allocated after this.
    ///
    /// # Errors
    /// Not enough memory.
    pub fn new(gpu: &Gpu, slots: usize, bytes: u64) -> Result<Self> {
        let bytes = bytes.next_multiple_of(4);
        let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        // Mapped after it is made: one that is mapped at once panics where the device gives none.
        let descriptor =
            wgpu::BufferDescriptor { label: Some("upload"), size: bytes, usage, mapped_at_creation: false };
        let slot = |_| -> Result<Slot> {
            let staging = gpu.allocate("upload", bytes, |device| device.create_buffer(&descriptor))?;
            let returned = ask(&staging);
            Ok(Slot { staging, copy: None, returned })
        };
        Ok(Self { slots: (0..slots.max(1)).map(slot).collect::<Result<_>>()?, next: 0 })
    }

    /// Writes `parts` one after another to the start of `to`, after all work submitted so far and before what comes next. Waits
    /// only where every staging buffer is still being copied from.
    ///
    /// # Errors
    /// A lost device, or parts that are longer than `to` or a staging buffer.
    pub fn write<T: AsRef<[u8]>>(
        &mut self,
        gpu: &Gpu,
        to: &View,
        parts: impl Iterator<Item = T>,
    ) -> Result<()> {
        let count = self.slots.len();
        let slot = &mut self.slots[self.next];
        self.next = (self.next + 1) % count;
        slot.take_back(gpu)?;
        let most = slot.staging.bytes().min(to.bytes());
        let failed =
            |reason: String| Error::Device(format!("device {}: an upload failed: {reason}", gpu.name()));
        let mut mapped =
            slot.staging.raw.slice(..).get_mapped_range_mut().map_err(|e| failed(e.to_string()))?;
        let mut end = 0;
        for part in parts {
            let (part, first) = (part.as_ref(), end);
            end += part.len();
            if end as u64 > most {
                return Err(failed(format!("{end} bytes and more written to {most}")));
            }
            mapped.slice(first..end).copy_from_slice(part);
        }
        drop(mapped);
        slot.staging.raw.unmap();
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let whole = (end as u64).next_multiple_of(4);
        encoder.copy_buffer_to_buffer(&slot.staging.raw, 0, &to.buffer.raw, to.offset, Some(whole));
        slot.copy = Some(Work(gpu.queue.submit([encoder.finish()])));
        slot.returned = ask(&slot.staging);
        Ok(())
    }
}

impl Slot {
    /// Waits until the copy from this staging buffer is done: for what was submitted before it, not for what came after.
    fn take_back(&mut self, gpu: &Gpu) -> Result<()> {
        let failed = || Error::Device(format!("device {}: an upload failed", gpu.name()));
        let mut patience = Duration::ZERO;
        loop {
            match self.returned.recv_timeout(patience) {
                Ok(answer) => return answer.map_err(|_| failed()),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(failed()),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            match self.copy.take() {
                Some(copy) => gpu.wait_for(copy)?,
                None => drop(gpu.device.poll(wgpu::PollType::Poll)),
            }
            gpu.check_fault()?;
            // Another thread that waits for the same device may be the one that hears of the copy's end, and answer later.
            patience = Duration::from_millis(1);
        }
    }
}
