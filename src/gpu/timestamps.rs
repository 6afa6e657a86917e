//! How long each dispatch of a plan takes, by the device's own clock.

use std::time::Duration;

use super::{Gpu, Groups, Plan};
use crate::{Error, Result};

/// Queries of a set: WebGPU's limit.
const MOST_QUERIES: usize = 4096;

impl Gpu {
    /// Whether the device can time dispatches.
    pub fn has_timestamps(&self) -> bool {
        self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }
}

impl Plan {
    /// Replays the plan once with a pass and a pair of timestamps for each dispatch. The sum can exceed a fused replay:
    /// every pass has its own start and end.
    ///
    /// # Errors
    /// A device without timestamps, or a lost one.
    pub fn time_dispatches(&self, gpu: &Gpu) -> Result<Vec<Duration>> {
        if !gpu.has_timestamps() {
            let name = gpu.name();
            return Err(Error::Device(format!(
                "device {name} has no timestamp queries: only `wgrad bench` can time it"
            )));
        }
        let mut times = Vec::with_capacity(self.len());
        for steps in self.steps.chunks(MOST_QUERIES / 2) {
            let queries = steps.len() as u32 * 2;
            let set = gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: queries,
            });
            let resolved = gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: u64::from(queries) * 8,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            for (step, query) in steps.iter().zip((0..).step_by(2)) {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some(&step.dispatch.label),
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: &set,
                        beginning_of_pass_write_index: Some(query),
                        end_of_pass_write_index: Some(query + 1),
                    }),
                });
                let Groups([x, y, z]) = step.groups;
                pass.set_pipeline(&step.pipeline.raw);
                pass.set_bind_group(0, &step.bind_group, &[]);
                pass.dispatch_workgroups(x, y, z);
            }
            encoder.resolve_query_set(&set, 0..queries, &resolved, 0);
            gpu.queue.submit([encoder.finish()]);
            let ticks: Vec<u64> = gpu.read(&super::Buffer::new(resolved, "timestamps").view())?;
            let period = f64::from(gpu.queue.get_timestamp_period());
            times.extend(
                ticks.chunks_exact(2).map(|pair| {
                    Duration::from_nanos((pair[1].saturating_sub(pair[0]) as f64 * period) as u64)
                }),
            );
        }
        Ok(times)
    }
}
