//! How long a plan and each of its dispatches take, by the device's own clock.

use std::time::Duration;

use super::plan::Step;
use super::{Buffer, Gpu, Plan};
use crate::{Error, Result};

/// Queries of a set: WebGPU's limit.
const MOST_QUERIES: usize = 4096;

impl Gpu {
    /// Whether the device can time dispatches.
    pub fn has_timestamps(&self) -> bool {
        self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Runs each list of steps in a pass of its own, all in one submission, and gives the time from the start to the end
    /// of each pass.
    fn time_passes(&self, passes: &[&[Step]]) -> Result<Vec<Duration>> {
        if !self.has_timestamps() {
            let name = self.name();
            return Err(Error::Device(format!(
                "device {name} has no timestamp queries: only `wgrad bench` can time it"
            )));
        }
        let queries = passes.len() as u32 * 2;
        let set = self.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("timestamps"),
            ty: wgpu::QueryType::Timestamp,
            count: queries,
        });
        let bytes = u64::from(queries) * 8;
        let resolved = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size: bytes,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let resolved = Buffer::new(resolved, "timestamps", self.memory.lease(bytes));
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for (steps, query) in passes.iter().zip((0..).step_by(2)) {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: steps.first().map(|step| step.dispatch.label.as_str()),
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &set,
                    beginning_of_pass_write_index: Some(query),
                    end_of_pass_write_index: Some(query + 1),
                }),
            });
            steps.iter().for_each(|step| step.encode(&mut pass));
        }
        encoder.resolve_query_set(&set, 0..queries, &resolved.raw, 0);
        self.queue.submit([encoder.finish()]);
        let ticks: Vec<u64> = self.read(&resolved.view())?;
        let period = f64::from(self.queue.get_timestamp_period());
        let nanoseconds = |pair: &[u64]| (pair[1].saturating_sub(pair[0]) as f64 * period) as u64;
        Ok(ticks.chunks_exact(2).map(|pair| Duration::from_nanos(nanoseconds(pair))).collect())
    }
}

impl Plan {
    /// Replays the plan once in one pass, waits for it, and gives the time from its start to its end.
    ///
    /// # Errors
    /// A device without timestamps, or a lost one.
    pub fn time(&self, gpu: &Gpu) -> Result<Duration> {
        Ok(gpu.time_passes(&[&self.steps])?.into_iter().sum())
    }

    /// Replays the plan once with a pass and a pair of timestamps for each dispatch. The sum can exceed [`Plan::time`]:
    /// every pass has its own start and end.
    ///
    /// # Errors
    /// A device without timestamps, or a lost one.
    pub fn time_dispatches(&self, gpu: &Gpu) -> Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(self.len());
        for steps in self.steps.chunks(MOST_QUERIES / 2) {
            let passes: Vec<&[Step]> = steps.chunks(1).collect();
            times.extend(gpu.time_passes(&passes)?);
        }
        Ok(times)
    }
}
