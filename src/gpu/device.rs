//! An opened device: buffers in, buffers out, and what went wrong meanwhile.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::adapter::{self, COOPERATIVE, WANTED};
use super::cache::DiskCache;
use super::heaps::{AdapterMemory, adapter_memory};
use super::memory::Memory;
use super::paths::keeps_scalars;
use super::pipeline::{Mutation, Pipelines};
use super::shader::substitutes_for;
use super::{Buffer, Kernel, Readback, Selection, View};
use crate::{Error, Result};

/// Which limits are asked of the adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// The adapter's own buffer sizes, WebGPU's defaults for the rest.
    #[default]
    Adapter,
    /// Exactly WebGPU's defaults: what runs with these runs anywhere.
    WebGpu,
}

/// How wgpu names the want of memory, where a device is lost for it too.
const NO_MEMORY: &str = "Out of memory";

/// An opened device and its queue.
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) pipelines: Pipelines,
    info: wgpu::AdapterInfo,
    /// Side of the cooperative matrices, or why there are none.
    cooperative: std::result::Result<u32, String>,
    opened_in: Duration,
    adapter_memory: Option<AdapterMemory>,
    pub(super) memory: Arc<Memory>,
    fault: Arc<Mutex<Option<String>>>,
    /// Staging of [`Gpu::read`], kept for the next one.
    pub(super) readback: Mutex<Option<Readback>>,
}

impl Gpu {
    /// Opens the selected adapter.
    ///
    /// # Errors
    /// No adapter, an unknown name, or a driver that refuses.
    pub fn open(selection: &Selection, limits: Limits) -> Result<Self> {
        let started = Instant::now();
        let adapter = adapter::select(selection)?;
        let info = adapter.get_info();
        let wanted = WANTED.iter().fold(wgpu::Features::empty(), |all, row| all | row.0);
        let own = adapter.limits();
        let mut required_limits = wgpu::Limits::default();
        if limits == Limits::Adapter {
            required_limits.max_buffer_size = own.max_buffer_size;
            required_limits.max_storage_buffer_binding_size = own.max_storage_buffer_binding_size;
        }
        let cooperative = match limits {
            Limits::Adapter => adapter::cooperative_side(&adapter),
            Limits::WebGpu => Err("it was opened with WebGPU's defaults".to_owned()),
        };
        let extra = if cooperative.is_ok() { COOPERATIVE } else { wgpu::Features::empty() };
        // SAFETY: asks wgpu to take features that it calls experimental. Of those only cooperative matrices are used, and only
        // by kernels of shaders/lib/coop.wgsl, whose loads and stores stay within their workgroup memory.
        let experimental_features = match cooperative {
            Ok(_) => unsafe { wgpu::ExperimentalFeatures::enabled() },
            Err(_) => wgpu::ExperimentalFeatures::disabled(),
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgrad"),
            required_features: if limits == Limits::Adapter {
                adapter.features() & wanted | extra
            } else {
                wgpu::Features::empty()
            },
            required_limits,
            experimental_features,
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|e| Error::Device(format!("device {}: cannot be opened: {e}", info.name)))?;
        let fault = Arc::new(Mutex::new(None));
        note_faults(&device, &fault);
        let software = info.device_type == wgpu::DeviceType::Cpu;
        if software {
            keep_large_blocks();
        }
        let words64 = software && device.features().contains(wgpu::Features::SHADER_INT64);
        let substitutes = substitutes_for(words64, cooperative == Ok(8));
        let pipelines = Pipelines::new(DiskCache::open(&device, &info), substitutes);
        Ok(Self {
            device,
            queue,
            pipelines,
            info,
            cooperative,
            opened_in: started.elapsed(),
            adapter_memory: adapter_memory(&adapter),
            memory: Arc::default(),
            fault,
            readback: Mutex::default(),
        })
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// Name, backend and driver in one line, as run folders and checkpoints record it.
    pub fn description(&self) -> String {
        let info = &self.info;
        format!("{} ({}, {} {})", info.name, info.backend.to_str(), info.driver, info.driver_info)
            .trim()
            .to_owned()
    }

    /// Whether the adapter is a software one.
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// Whether the adapter is a software one that keeps what is the same for all lanes in one register: Mesa's lavapipe from 26 on.
    /// Others make vectors of it, and take up to a minute to compile kernels that build on it.
    pub fn keeps_scalars(&self) -> bool {
        keeps_scalars(&self.info)
    }

    /// How long finding the adapter and opening the device took.
    pub fn opened_in(&self) -> Duration {
        self.opened_in
    }

    /// Side of the cooperative matrices of f16 with f32 sums that `precision = "mixed"` computes with.
    ///
    /// # Errors
    /// Why this device has none.
    pub fn cooperative_side(&self) -> Result<u32> {
        self.cooperative.clone().map_err(|reason| {
            Error::Device(format!(
                "device {}: precision mixed takes cooperative matrices of f16, but {reason}; use precision f32",
                self.name()
            ))
        })
    }

    /// Whether the device takes what a kernel's text enables.
    pub fn takes(&self, kernel: &Kernel) -> bool {
        kernel.enables().next().is_none() || self.cooperative.is_ok()
    }

    /// The limits that the device was opened with.
    pub fn limits(&self) -> wgpu::Limits {
        self.device.limits()
    }

    /// The adapter's memory as it was when the device was opened, where the driver says.
    pub fn adapter_memory(&self) -> Option<AdapterMemory> {
        self.adapter_memory
    }

    /// How many buffers were created so far, and their bytes.
    pub fn allocated(&self) -> (u64, u64) {
        self.memory.created()
    }

    /// Bytes of the buffers that there are now.
    pub fn live_bytes(&self) -> u64 {
        self.memory.live()
    }

    /// Most bytes of buffers that there were at once since the device was opened.
    pub fn peak_bytes(&self) -> u64 {
        self.memory.peak()
    }

    /// A zeroed storage buffer of `words` 4-byte words, readable by the host through [`Gpu::read`].
    ///
    /// # Errors
    /// More bytes than the device takes, or than it has.
    pub fn buffer(&self, label: &str, words: usize) -> Result<Buffer> {
        let bytes = (words.max(4) as u64) * 4;
        let most = self.device.limits().max_buffer_size;
        if bytes > most {
            return Err(Error::Device(format!(
                "buffer {label}: {bytes} bytes, but {} takes at most {most} a buffer: use a smaller batch",
                self.name()
            )));
        }
        let usage = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::STORAGE;
        self.allocate(label, bytes, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: bytes,
                usage,
                mapped_at_creation: false,
            })
        })
    }

    /// A storage buffer with this content.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn upload<T: bytemuck::NoUninit>(&self, label: &str, content: &[T]) -> Result<Buffer> {
        let bytes: &[u8] = bytemuck::cast_slice(content);
        let buffer = self.buffer(label, bytes.len().div_ceil(4))?;
        self.write(&buffer.view(), content)?;
        Ok(buffer)
    }

    /// Overwrites the start of a view; takes effect before the next submitted plan.
    ///
    /// # Errors
    /// Content longer than the view, or not a whole number of words.
    pub fn write<T: bytemuck::NoUninit>(&self, view: &View, content: &[T]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(content);
        if bytes.len() as u64 > view.bytes || !bytes.len().is_multiple_of(4) {
            let (label, got, most) = (view.buffer.label(), bytes.len(), view.bytes);
            return Err(Error::Device(format!("buffer {label}: {got} bytes written to {most}")));
        }
        self.queue.write_buffer(&view.buffer.raw, view.offset, bytes);
        Ok(())
    }

    /// The uniform buffer of a plan's parameters.
    pub(super) fn uniform(&self, content: &[u8]) -> Result<Buffer> {
        // Written after it is made: one that is mapped at once panics where the device gives none.
        let (bytes, usage) =
            (content.len() as u64, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST);
        let buffer = self.allocate("params", bytes, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("params"),
                size: bytes,
                usage,
                mapped_at_creation: false,
            })
        })?;
        self.queue.write_buffer(&buffer.raw, 0, content);
        Ok(buffer)
    }

    /// A staging buffer that the host can map.
    pub(super) fn staging(&self, bytes: u64) -> Result<Buffer> {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        self.allocate("staging", bytes, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("staging"),
                size: bytes,
                usage,
                mapped_at_creation: false,
            })
        })
    }

    /// Waits until all submitted work is done.
    ///
    /// # Errors
    /// A lost device, or a fault that the driver reported meanwhile.
    pub fn wait(&self) -> Result<()> {
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check_fault()?;
        polled.map(|_| ()).map_err(|e| Error::Device(format!("device {}: {e}", self.name())))
    }

    /// Reports a fault that the driver told of since the device was opened.
    ///
    /// # Errors
    /// The fault, in the driver's words.
    pub fn check_fault(&self) -> Result<()> {
        let fault = || self.fault.lock().unwrap_or_else(|e| e.into_inner()).clone();
        if fault().is_some() {
            // Whether the device was lost is told by a poll only.
            let _ = self.device.poll(wgpu::PollType::Poll);
        }
        match fault() {
            None => Ok(()),
            // A submission, a pipeline or a copy of the driver's own: none of the buffers.
            Some(text) if text.contains(NO_MEMORY) => Err(self.no_memory("the work under way".to_owned())),
            Some(text) => Err(Error::Device(format!("device {}: {text}", self.name()))),
        }
    }

    /// Ends the device as if it were lost: for programs that try what happens then.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// Puts a fault into the text of a kernel, for plans that are made from now on, or takes it out again. Only for programs that
    /// try the checks: see `examples/mutations`.
    pub fn set_mutation(&self, mutation: Option<Mutation>) {
        self.pipelines.set_mutation(mutation);
    }

    /// How many shader texts the fault has changed since it was set.
    pub fn mutated(&self) -> usize {
        self.pipelines.mutated()
    }

    /// Drops the compiled kernels that no plan holds: a software driver's take a megabyte each.
    pub fn forget_unused_pipelines(&self) {
        self.pipelines.forget_unused();
    }

    /// Stores newly compiled pipelines for the next start, where the adapter can.
    pub fn save_pipeline_cache(&self) {
        self.pipelines.save();
    }
}

/// Software drivers allocate the state of a workgroup with barriers anew each time. glibc takes blocks of 128 KiB and more
/// from the kernel, page by page, until one of 32 MiB at most was freed: after this it keeps them.
fn keep_large_blocks() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
}

fn note_faults(device: &wgpu::Device, fault: &Arc<Mutex<Option<String>>>) {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (error, lost) = (Arc::clone(fault), Arc::clone(fault));
    device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
        let text = match e {
            wgpu::Error::OutOfMemory { .. } => NO_MEMORY.to_owned(),
            other => one_line(&other.to_string()),
        };
        error.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(text);
    }));
    // In the place of what went wrong because of it.
    device.set_device_lost_callback(move |_, text| {
        *lost.lock().unwrap_or_else(|e| e.into_inner()) = Some(format!("lost: {}", one_line(&text)));
    });
}
