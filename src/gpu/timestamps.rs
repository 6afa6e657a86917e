//! How long a plan and each of its dispatches take, by the device's own clock or by the host's.

use std::time::{Duration, Instant};

use super::plan::Step;
use super::{Buffer, Gpu, Plan};
use crate::{Error, Result};

/// Queries of a set: WebGPU's limit.
const MOST_QUERIES: usize = 4096;

/// What times the dispatches of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The device, with a timestamp after each dispatch of one pass.
    InsidePass,
    /// The device, with a pass and a pair of timestamps for each dispatch: the passes' own start and end count too.
    PassEach,
    /// The host, which submits each dispatch by itself and waits: that counts too.
    Host,
}

/// When something ran, in nanoseconds of the clock that timed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its start.
    pub start: u64,
    /// Its end.
    pub end: u64,
}

impl Span {
    /// How long it took.
    pub fn duration(self) -> Duration {
        Duration::from_nanos(self.end.saturating_sub(self.start))
    }
}

/// Commands that write timestamps, and where they go.
struct Stamps {
    set: wgpu::QuerySet,
    resolved: Buffer,
    count: u32,
}

impl Gpu {
    /// Whether the device can time dispatches.
    pub fn has_timestamps(&self) -> bool {
        self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// The best clock for dispatches.
    pub fn clock(&self) -> Clock {
        match self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES) {
            true if self.has_timestamps() => Clock::InsidePass,
            _ if self.has_timestamps() => Clock::PassEach,
            _ => Clock::Host,
        }
    }

    fn stamps(&self, count: usize) -> Result<Stamps> {
        if !self.has_timestamps() {
            let name = self.name();
            return Err(Error::Device(format!(
                "device {name} has no timestamp queries: use the host's clock"
            )));
        }
        let (count, bytes) = (count as u32, count as u64 * 8);
        let set = self.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("timestamps"),
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let resolved = self.allocate("timestamps", bytes, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: bytes,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            })
        })?;
        Ok(Stamps { set, resolved, count })
    }

    /// Submits, waits, and gives the timestamps in nanoseconds.
    fn stamped(&self, stamps: &Stamps, mut encoder: wgpu::CommandEncoder) -> Result<Vec<u64>> {
        encoder.resolve_query_set(&stamps.set, 0..stamps.count, &stamps.resolved.raw, 0);
        self.queue.submit([encoder.finish()]);
        let ticks: Vec<u64> = self.read(&stamps.resolved.view())?;
        let period = self.queue.get_timestamp_period();
        Ok(ticks.into_iter().map(|tick| nanoseconds(tick, period)).collect())
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    /// Runs each list of steps in a pass of its own, all in one submission.
    fn time_passes(&self, passes: &[&[Step]]) -> Result<Vec<Span>> {
        let stamps = self.stamps(passes.len() * 2)?;
        let mut encoder = self.encoder();
        for (steps, query) in passes.iter().zip((0..).step_by(2)) {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: steps.first().map(|step| step.dispatch.label.as_str()),
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &stamps.set,
                    beginning_of_pass_write_index: Some(query),
                    end_of_pass_write_index: Some(query + 1),
                }),
            });
            steps.iter().for_each(|step| step.encode(&mut pass));
        }
        let ticks = self.stamped(&stamps, encoder)?;
        Ok(ticks.chunks_exact(2).map(|pair| Span { start: pair[0], end: pair[1] }).collect())
    }

    /// Runs the steps in one pass with a timestamp before the first and after each.
    fn time_inside(&self, steps: &[Step]) -> Result<Vec<Span>> {
        let stamps = self.stamps(steps.len() + 1)?;
        let mut encoder = self.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.write_timestamp(&stamps.set, 0);
            for (step, query) in steps.iter().zip(1..) {
                step.encode(&mut pass);
                pass.write_timestamp(&stamps.set, query);
            }
        }
        let ticks = self.stamped(&stamps, encoder)?;
        Ok(ticks.windows(2).map(|pair| Span { start: pair[0], end: pair[1] }).collect())
    }

    /// Submits the steps one by one and waits for each.
    fn time_on_host(&self, steps: &[Step]) -> Result<Vec<Span>> {
        let started = Instant::now();
        let now = || started.elapsed().as_nanos() as u64;
        let run = |step: &Step| {
            let start = now();
            let mut encoder = self.encoder();
            step.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
            self.queue.submit([encoder.finish()]);
            self.wait()?;
            Ok(Span { start, end: now() })
        };
        steps.iter().map(run).collect()
    }

    /// How long the host takes to submit nothing and wait for it: what [`Clock::Host`] adds to each dispatch.
    ///
    /// # Errors
    /// A lost device.
    pub fn empty_submission(&self) -> Result<Duration> {
        let started = Instant::now();
        let mut encoder = self.encoder();
        drop(encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
        self.queue.submit([encoder.finish()]);
        self.wait()?;
        Ok(started.elapsed())
    }
}

/// Some clocks count from 1970: f64 would lose hundreds of nanoseconds.
fn nanoseconds(tick: u64, period: f32) -> u64 {
    let fixed = (f64::from(period) * 2f64.powi(32)) as u128;
    ((u128::from(tick) * fixed) >> 32) as u64
}

impl Plan {
    /// Replays the plan once, waits for it, and gives the time from its start to its end: of one pass, or of the sum of those that
    /// [`Plan::submit`] has found to be needed.
    ///
    /// # Errors
    /// A device without timestamps, or a lost one.
    pub fn time(&self, gpu: &Gpu) -> Result<Duration> {
        let mut time = Duration::ZERO;
        for part in self.known_parts() {
            time += gpu.time_passes(&[&self.steps[part]])?.into_iter().map(Span::duration).sum::<Duration>();
        }
        Ok(time)
    }

    /// Replays the plan once and gives when each dispatch ran. The sum can exceed [`Plan::time`]: see [`Clock`].
    ///
    /// # Errors
    /// A clock that the device does not have, or a lost device.
    pub fn time_dispatches(&self, gpu: &Gpu, clock: Clock) -> Result<Vec<Span>> {
        let most = match clock {
            Clock::Host => return gpu.time_on_host(&self.steps),
            Clock::PassEach => MOST_QUERIES / 2,
            Clock::InsidePass => MOST_QUERIES - 1,
        };
        let mut spans = Vec::with_capacity(self.len());
        for part in self.known_parts() {
            for steps in self.steps[part].chunks(most) {
                spans.extend(match clock {
                    Clock::InsidePass => gpu.time_inside(steps)?,
                    _ => gpu.time_passes(&steps.chunks(1).collect::<Vec<_>>())?,
                });
            }
        }
        Ok(spans)
    }
}
