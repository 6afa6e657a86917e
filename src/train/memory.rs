//! Whether a run fits on the device, before anything is allocated.

use std::path::Path;

use super::feed::Feed;
use super::settings::{optimizer_settings, precision};
use crate::config::{Recompute, Residence, RunConfig};
use crate::data::Dataset;
use crate::gpu::Gpu;
use crate::kernels::conv::Choices;
use crate::kernels::groups_of_four;
use crate::nn::{Network, NetworkBytes};
use crate::{Error, Result};

/// What small fixed buffers may have besides the estimate.
const OTHERS: u64 = 1 << 20;

/// Bytes that a run will take on its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// The network's own.
    pub network: NetworkBytes,
    /// Images, labels and their order.
    pub data: u64,
    /// Results, and the host's way to them.
    pub results: u64,
    /// Whether the images stay in the host's memory.
    pub streamed: bool,
    /// Whether cheap values are computed once more in the backward pass.
    pub recomputed: bool,
}

impl MemoryEstimate {
    /// The estimate for a run's configuration with this batch: the first form that the limit holds, of those that `recompute` and
    /// `data.resident` allow; else the smallest. The images leave the device before values are computed twice.
    fn new(
        gpu: &Gpu,
        config: &RunConfig,
        network: &Network,
        dataset: &Dataset,
        batch: usize,
        limit: &Limit,
    ) -> Result<Self> {
        let places: &[bool] = match config.data.resident {
            Residence::Always => &[false],
            Residence::Never => &[true],
            Residence::Auto => &[false, true],
        };
        let forms: &[bool] = match config.recompute {
            Recompute::Always => &[true],
            Recompute::Never => &[false],
            Recompute::Auto => &[false, true],
        };
        let all = forms.iter().flat_map(|&form| places.iter().map(move |&place| [place, form]));
        let all = all.map(|form| Self::placed(gpu, config, network, dataset, batch, form));
        let all = all.collect::<Result<Vec<_>>>()?;
        let fits = all.iter().position(|own| limit.holds(own));
        let least = (0..all.len()).min_by_key(|&index| all[index].total());
        Ok(all[fits.or(least).unwrap_or(0)])
    }

    fn placed(
        gpu: &Gpu,
        config: &RunConfig,
        network: &Network,
        dataset: &Dataset,
        batch: usize,
        [streamed, recomputed]: [bool; 2],
    ) -> Result<Self> {
        let choices = Choices::with_precision(gpu, precision(config))?;
        let (train, test) = (dataset.train.len(), dataset.test.len());
        let images = train + test;
        let batches = [config.eval_batch as usize, batch.min(train)];
        // Streamed: a batch of training, of validation and of the test.
        let pixels = match streamed {
            true => Feed::bytes(&dataset.train, batches[1] + 2 * batches[0]),
            false => images * dataset.train.image_bytes(),
        };
        let data = pixels + images * (4 + 2 * 4);
        let logits = 4 * groups_of_four(network.classes) * 4;
        let optimizer = optimizer_settings(&config.optimizer);
        let copies = optimizer.rule.slots().len() + usize::from(optimizer.average.is_some());
        let network = NetworkBytes::estimate(network, &choices, batches[0], batches[1], copies, recomputed);
        // Logits of validation and test, and a staging buffer of the larger of them and the weights.
        let results = (images * logits + (test * logits).max(network.weights as usize / 3)) as u64;
        Ok(Self { network, data: data as u64, results, streamed, recomputed })
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        let NetworkBytes { values, gradients, weights, .. } = self.network;
        values + gradients + weights + self.data + self.results
    }

    /// In words, in MiB.
    pub fn describe(&self) -> String {
        let NetworkBytes { values, gradients, weights, .. } = self.network;
        let again = if self.recomputed { " (some computed again for the backward pass)" } else { "" };
        format!(
            "about {} MiB on the device: {} values{again}, {} gradients, {} weights, {} data and results",
            mib(self.total()),
            mib(values),
            mib(gradients),
            mib(weights),
            mib(self.data + self.results)
        )
    }
}

/// What a run may take.
struct Limit {
    /// Bytes of one buffer.
    buffer: u64,
    /// Bytes of all.
    total: Option<u64>,
    /// Whose limit that is.
    whose: String,
}

impl Limit {
    fn of(gpu: &Gpu, config: &RunConfig) -> Self {
        let limits = gpu.limits();
        let buffer = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        let set = config.memory_limit.map(|mib| u64::from(mib) << 20);
        let offered = || (gpu.adapter_memory().map(|memory| memory.offered()), "what the driver offers");
        let (total, whose) = match (set, gpu.is_software()) {
            (Some(total), _) => (Some(total), "memory_limit"),
            // A software driver's memory is the machine's.
            (None, true) => match available() {
                Some(left) => (Some(left), "the memory that this machine has left"),
                None => offered(),
            },
            (None, false) => offered(),
        };
        Self { buffer, total, whose: whose.into() }
    }

    fn holds(&self, estimate: &MemoryEstimate) -> bool {
        estimate.network.largest <= self.buffer && self.total.is_none_or(|total| estimate.total() <= total)
    }
}

/// Whether `bytes` bytes of images are within what may be taken.
pub(super) fn takes(gpu: &Gpu, config: &RunConfig, bytes: u64) -> bool {
    Limit::of(gpu, config).total.is_none_or(|total| bytes <= total)
}

/// Bytes that the operating system could give; `None` where it does not say.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// The estimate of a run.
///
/// # Errors
/// It passes the device's limit or the configured one: with the batch that would fit.
pub fn estimate(
    gpu: &Gpu,
    config: &RunConfig,
    network: &Network,
    dataset: &Dataset,
) -> Result<MemoryEstimate> {
    let (limit, wanted) = (Limit::of(gpu, config), config.batch as usize);
    let with = |batch: usize| MemoryEstimate::new(gpu, config, network, dataset, batch, &limit);
    let whole = with(wanted)?;
    if limit.holds(&whole) {
        return Ok(whole);
    }
    let reason = if whole.network.largest > limit.buffer {
        let (largest, most) = (mib(whole.network.largest), mib(limit.buffer));
        format!("one of its buffers has {largest} MiB, {} takes {most}", gpu.name())
    } else {
        format!("{}; {} is {} MiB", whole.describe(), limit.whose, mib(limit.total.unwrap_or(0)))
    };
    let advice = advice(&limit, wanted, with)?;
    Err(Error::Device(format!("batch {wanted} of {} does not fit: {reason}; {advice}", network.name)))
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// The largest batch that fits where `wanted` does not; the estimate grows with the batch.
fn advice(limit: &Limit, wanted: usize, with: impl Fn(usize) -> Result<MemoryEstimate>) -> Result<String> {
    let (mut fits, mut fails) = (0, wanted);
    while fails - fits > 1 {
        let middle = fits.midpoint(fails);
        if limit.holds(&with(middle)?) { fits = middle } else { fails = middle }
    }
    Ok(match fits {
        0 => "not even a batch of 1 fits: use a smaller model, eval_batch or data set".to_owned(),
        batch => format!("a batch of {batch} would fit"),
    })
}

/// A driver that had no memory for a run which the estimate let pass, in terms of the batch; other errors as they are. `last` is
/// the run's last checkpoint, where there is one.
pub(super) fn explain(
    error: Error,
    (gpu, config, network, dataset): (&Gpu, &RunConfig, &Network, &Dataset),
    last: &Path,
) -> Error {
    let Error::Memory { device, wanted, given } = &error else { return error };
    let batch = config.batch as usize;
    // Small fixed buffers are not in the estimate.
    let total = Some(given.saturating_sub(OTHERS));
    let limit = Limit { total, ..Limit::of(gpu, config) };
    let with = |batch: usize| MemoryEstimate::new(gpu, config, network, dataset, batch, &limit);
    let (Ok(whole), Ok(advice)) = (with(batch), advice(&limit, batch, with)) else { return error };
    let text = format!(
        "batch {batch} of {} does not fit: {}; {device} gave {} MiB and had none for {wanted}; {advice}",
        network.name,
        whole.describe(),
        mib(*given)
    );
    Error::Device(match last.exists() {
        true => format!("{text}; {} is as it was", last.display()),
        false => text,
    })
}
