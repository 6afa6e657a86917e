//! The one idea: a step as a flat list of dispatches, recorded once and replayed.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::pipeline::Pipeline;
use super::{Buffer, Dispatch, Gpu, Groups};
use crate::{Error, Result};

/// Seconds that a submission should take at most: Windows resets a GPU that is busy with one for 2 s.
const LONGEST: f64 = 0.5;
/// Dispatches of a submission as long as nothing is known about their time.
const UNKNOWN: usize = 8;
/// Operations that a slow adapter, of 100 GFLOP/s, does in half a second: most of a dispatch, and of a submission whose time nobody
/// knows.
pub const MOST_FLOPS: u64 = 50_000_000_000;

/// Collects the dispatches of a plan, in order.
#[derive(Debug, Default)]
pub struct Recorder {
    dispatches: Vec<Dispatch>,
}

impl Recorder {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a dispatch.
    pub fn push(&mut self, dispatch: Dispatch) {
        self.dispatches.push(dispatch);
    }

    /// What was recorded so far.
    pub fn dispatches(&self) -> &[Dispatch] {
        &self.dispatches
    }

    /// Checks every dispatch, compiles what is new, and makes bind groups: after this nothing is allocated.
    ///
    /// # Errors
    /// A dispatch that does not fit its kernel or the device; a shader that does not compile.
    pub fn finish(self, gpu: &Gpu) -> Result<Plan> {
        let started = Instant::now();
        let limits = gpu.device.limits();
        self.dispatches.iter().try_for_each(|dispatch| dispatch.validate(&limits))?;
        let pipelines = gpu.pipelines.get(&gpu.device, &self.dispatches)?;
        let (params, offsets) =
            pack_params(&self.dispatches, limits.min_uniform_buffer_offset_alignment as usize);
        let uniform = gpu.uniform(&params)?;
        let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let steps = self
            .dispatches
            .into_iter()
            .zip(pipelines)
            .zip(offsets)
            .map(|((dispatch, pipeline), offset)| Step::new(gpu, dispatch, pipeline, &uniform.raw, offset))
            .collect();
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(Error::Device(format!("plan: {error}")));
        }
        let (replays, parts) = (AtomicU32::new(0), OnceLock::new());
        Ok(Plan { steps, _params: uniform, ready: started.elapsed(), replays, parts })
    }
}

/// All Params one after another, each at the uniform alignment; the offsets are those of the dispatches.
fn pack_params(dispatches: &[Dispatch], alignment: usize) -> (Vec<u8>, Vec<u64>) {
    let mut bytes = Vec::new();
    let offsets = dispatches
        .iter()
        .map(|dispatch| {
            bytes.resize(bytes.len().next_multiple_of(alignment), 0);
            let offset = bytes.len() as u64;
            bytes.extend_from_slice(&dispatch.params);
            offset
        })
        .collect();
    bytes.resize(bytes.len().max(16).next_multiple_of(16), 0);
    (bytes, offsets)
}

pub(super) struct Step {
    pipeline: Arc<Pipeline>,
    bind_group: wgpu::BindGroup,
    groups: Groups,
    pub(super) dispatch: Dispatch,
}

impl Step {
    fn new(
        gpu: &Gpu,
        dispatch: Dispatch,
        pipeline: Arc<Pipeline>,
        uniform: &wgpu::Buffer,
        offset: u64,
    ) -> Self {
        let resource = |buffer, offset, bytes| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset,
                size: std::num::NonZero::new(bytes),
            })
        };
        let mut entries: Vec<wgpu::BindGroupEntry> = dispatch
            .bindings
            .iter()
            .enumerate()
            .map(|(binding, view)| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource: resource(&view.buffer.raw, view.offset, view.bytes),
            })
            .collect();
        if !dispatch.params.is_empty() {
            let binding = entries.len() as u32;
            let resource = resource(uniform, offset, dispatch.params.len() as u64);
            entries.push(wgpu::BindGroupEntry { binding, resource });
        }
        let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&dispatch.label),
            layout: &pipeline.layout,
            entries: &entries,
        });
        Self { pipeline, bind_group, groups: dispatch.groups, dispatch }
    }

    pub(super) fn encode(&self, pass: &mut wgpu::ComputePass) {
        let Groups([x, y, z]) = self.groups;
        pass.set_pipeline(&self.pipeline.raw);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}

/// Submitted work that can be waited for.
#[derive(Clone, Debug)]
pub struct Work(pub(super) wgpu::SubmissionIndex);

/// A recorded list of dispatches, ready to be replayed any number of times.
pub struct Plan {
    pub(super) steps: Vec<Step>,
    _params: Buffer,
    ready: Duration,
    replays: AtomicU32,
    /// The steps of each submission, once a replay was timed.
    parts: OnceLock<Vec<Range<usize>>>,
}

impl Plan {
    /// Number of dispatches.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The dispatches, in order.
    pub fn dispatches(&self) -> impl Iterator<Item = &Dispatch> {
        self.steps.iter().map(|step| &step.dispatch)
    }

    /// Floating-point operations that the mathematics of one replay needs.
    pub fn flops(&self) -> u64 {
        self.dispatches().map(|dispatch| dispatch.flops).sum()
    }

    /// How long compiling and binding took.
    pub fn ready(&self) -> Duration {
        self.ready
    }

    /// Submits one replay without waiting: in one compute pass, or in several submissions where one would take longer than half a
    /// second. The first replay, whose time nobody knows, is submitted in small parts, and so is the second, which is waited for.
    pub fn submit(&self, gpu: &Gpu) -> Work {
        self.submit_with(gpu, |_| {})
    }

    /// As [`Plan::submit`], with commands after the last pass in the same submission.
    pub(super) fn submit_with(&self, gpu: &Gpu, after: impl FnOnce(&mut wgpu::CommandEncoder)) -> Work {
        if let Some(parts) = self.parts.get() {
            return self.submit_parts(gpu, parts, after);
        }
        let small = self.small();
        if self.replays.fetch_add(1, Ordering::Relaxed) == 0 {
            return self.submit_parts(gpu, &small, after);
        }
        // What goes wrong here is kept by the device, and the caller's own wait reports it.
        let _ = gpu.wait();
        let started = Instant::now();
        let work = self.submit_parts(gpu, &small, after);
        let _ = gpu.wait();
        let count = (started.elapsed().as_secs_f64() / LONGEST).ceil().max(1.0) as usize;
        let _ = self.parts.set(self.shares(count));
        work
    }

    /// How many submissions a replay takes, once that is known: see [`Plan::submit`].
    pub fn submissions(&self) -> Option<usize> {
        self.parts.get().map(Vec::len)
    }

    /// The parts of a replay; one where nothing is known yet.
    pub(super) fn known_parts(&self) -> Vec<Range<usize>> {
        self.parts.get().cloned().unwrap_or_else(|| std::iter::once(0..self.len()).collect())
    }

    /// Neighbouring steps in parts as small as where nothing is known.
    fn small(&self) -> Vec<Range<usize>> {
        let (mut parts, mut first, mut flops) = (Vec::new(), 0, 0);
        for (index, dispatch) in self.dispatches().enumerate() {
            if index > first && (index - first == UNKNOWN || flops + dispatch.flops > MOST_FLOPS) {
                parts.push(first..index);
                (first, flops) = (index, 0);
            }
            flops += dispatch.flops;
        }
        parts.push(first..self.len());
        parts
    }

    /// Neighbouring steps in at most `count` parts of about the same work.
    fn shares(&self, count: usize) -> Vec<Range<usize>> {
        let work = |dispatch: &Dispatch| {
            dispatch.flops as f64 + dispatch.bindings.iter().map(|view| view.bytes as f64).sum::<f64>()
        };
        let share = self.dispatches().map(work).sum::<f64>() / count as f64;
        let (mut parts, mut first, mut own) = (Vec::new(), 0, 0.0);
        for (index, dispatch) in self.dispatches().enumerate() {
            own += work(dispatch);
            if own >= share || index + 1 == self.len() {
                parts.push(first..index + 1);
                (first, own) = (index + 1, 0.0);
            }
        }
        parts
    }

    fn submit_parts(
        &self,
        gpu: &Gpu,
        parts: &[Range<usize>],
        after: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Work {
        let encode = |part: &Range<usize>| {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                self.steps[part.clone()].iter().for_each(|step| step.encode(&mut pass));
            }
            encoder
        };
        let (last, others) =
            parts.split_last().map_or((0..0, parts), |(last, others)| (last.clone(), others));
        for part in others {
            gpu.queue.submit([encode(part).finish()]);
        }
        let mut encoder = encode(&last);
        after(&mut encoder);
        Work(gpu.queue.submit([encoder.finish()]))
    }

    /// Submits one replay and waits for it.
    ///
    /// # Errors
    /// As [`Gpu::wait`].
    pub fn run(&self, gpu: &Gpu) -> Result<()> {
        self.submit(gpu);
        gpu.wait()
    }
}

impl Gpu {
    /// Waits until `work` is done; later work may still be under way.
    ///
    /// # Errors
    /// As [`Gpu::wait`].
    pub fn wait_for(&self, work: Work) -> Result<()> {
        let polled = self.device.poll(wgpu::PollType::Wait { submission_index: Some(work.0), timeout: None });
        self.check_fault()?;
        polled.map(|_| ()).map_err(|e| Error::Device(format!("device {}: {e}", self.name())))
    }
}
