//! The one idea: a step as a flat list of dispatches, recorded once and replayed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pipeline::Pipeline;
use super::{Buffer, Dispatch, Gpu, Groups};
use crate::{Error, Result};

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
        let uniform = gpu.uniform(&params);
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
        Ok(Plan { steps, _params: uniform, ready: started.elapsed() })
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
pub struct Work(wgpu::SubmissionIndex);

/// A recorded list of dispatches, ready to be replayed any number of times.
pub struct Plan {
    pub(super) steps: Vec<Step>,
    _params: Buffer,
    ready: Duration,
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

    /// Submits one replay, in one compute pass, without waiting.
    pub fn submit(&self, gpu: &Gpu) -> Work {
        self.submit_with(gpu, |_| {})
    }

    /// As [`Plan::submit`], with commands after the pass in the same submission.
    pub(super) fn submit_with(&self, gpu: &Gpu, after: impl FnOnce(&mut wgpu::CommandEncoder)) -> Work {
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            self.steps.iter().for_each(|step| step.encode(&mut pass));
        }
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
