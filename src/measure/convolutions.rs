//! How long each candidate takes for a convolution's shape: what the tuner decides by and `wgrad bench kernels` prints.

use std::time::Instant;

use serde::Serialize;

use crate::Result;
use crate::gpu::{Buffer, Gpu, MOST_FLOPS, Plan, Recorder};
use crate::kernels::Rows;
use crate::kernels::batchnorm::BatchNorm;
use crate::kernels::conv::{Candidate, Conv, Direction, MadeFor};
use crate::nn::{Layer, Network};
use crate::rng::{Sequence, Stream};

/// One candidate in the bench of kernels.
#[derive(Clone, Debug, Serialize)]
pub struct ConvRow {
    /// The kernel's name in the registry.
    pub kernel: String,
    /// Input channels, height and width, output channels, kernel size, stride.
    pub shape: String,
    /// Images.
    pub batch: usize,
    /// `forward`, `input_gradient` or `weight_gradient`.
    pub direction: &'static str,
    /// The candidate.
    pub candidate: &'static str,
    /// Seconds of one dispatch.
    pub seconds: f64,
    /// 10⁹ floating-point operations of the direct form per second, whatever the candidate really does.
    pub gflops: f64,
    /// How many times as fast as the naive candidate, where that was measured too.
    pub times_naive: Option<f64>,
}

/// The different convolutions of a network that learns.
pub fn shapes(network: &Network, batch: usize) -> Vec<Conv> {
    let mut all: Vec<Conv> = Vec::new();
    for node in &network.nodes {
        if let Layer::Conv { kernel, stride, padding, .. } = node.layer {
            let [height, width, in_channels] = network.shape(node.input);
            let conv = Conv {
                batch,
                height,
                width,
                in_channels,
                out_channels: node.shape[2],
                kernel,
                stride,
                padding,
            };
            if !all.contains(&conv) {
                all.push(conv);
            }
        }
    }
    all
}

/// Random tensors of a shape on the device.
pub(super) struct Subject<'a> {
    gpu: &'a Gpu,
    conv: Conv,
    x: Buffer,
    weight: Buffer,
    y: Buffer,
    statistics: Buffer,
    partial: Buffer,
    stride: usize,
    /// Whether a batch norm reads y: a forward candidate that leaves no statistics then costs a kernel more.
    normalized: bool,
}

impl<'a> Subject<'a> {
    pub(super) fn new(gpu: &'a Gpu, conv: Conv, normalized: bool) -> Result<Self> {
        let mut sequence = Sequence::new(0, Stream::Test, 0, 1);
        let mut random = |label: &str, words: usize| {
            // A run of numbers again and again: what they are does not change the time.
            let run: Vec<f32> = (0..words.min(4096)).map(|_| sequence.normal() as f32).collect();
            let all: Vec<f32> = run.iter().copied().cycle().take(words).collect();
            gpu.upload(label, &all)
        };
        let stride = conv.weight_words().next_multiple_of(64);
        // Room for the weights in every form; making a form is once a step, and not timed here.
        let words = |direction: Direction| {
            let forms = direction.candidates().iter().map(move |own| own.filters);
            forms.map(move |form| conv.filter_words(direction, form)).max()
        };
        let weight_words = Direction::ALL.into_iter().filter_map(words).max().unwrap_or(0);
        Ok(Self {
            gpu,
            conv,
            x: random("x", conv.input_words())?,
            weight: random("weight", weight_words)?,
            y: random("y", conv.output_words())?,
            statistics: gpu.buffer("statistics", conv.output_words().max(64))?,
            partial: gpu.buffer("partial", stride * conv.splits())?,
            stride,
            normalized,
        })
    }

    /// Seconds of one computation by each candidate: the least of `turns` runs of `calls` computations, after one that warms up.
    /// They take turns, so that what else runs on the machine meets all alike.
    pub(super) fn seconds(
        &self,
        direction: Direction,
        candidates: &[&'static Candidate],
        turns: u32,
        calls: u32,
    ) -> Result<Vec<(&'static Candidate, f64)>> {
        let plans: Vec<Plan> =
            candidates.iter().map(|own| self.plan(direction, own, calls)).collect::<Result<_>>()?;
        let mut least = vec![f64::INFINITY; plans.len()];
        for _ in 0..turns {
            for (plan, least) in plans.iter().zip(&mut least) {
                *least = least.min(self.time(plan)? / f64::from(calls));
            }
        }
        Ok(candidates.iter().copied().zip(least).collect())
    }

    /// The batch norm of y.
    fn norm(&self) -> BatchNorm {
        let Conv { batch, out_channels: channels, .. } = self.conv;
        let (height, width) = (self.conv.out_height(), self.conv.out_width());
        let workgroup = Rows::workgroup_of(self.gpu);
        BatchNorm { batch, height, width, channels, momentum: 0.1, eps: 1e-5, stride: 0, workgroup }
    }

    /// Seconds of a replay. What a GPU does in microseconds would drown in the host's submission and wait.
    fn time(&self, plan: &Plan) -> Result<f64> {
        if self.gpu.has_timestamps() && !self.gpu.is_software() {
            let time = plan.time(self.gpu)?;
            // A clock that stands still tells nothing.
            if !time.is_zero() {
                return Ok(time.as_secs_f64());
            }
        }
        let started = Instant::now();
        plan.run(self.gpu)?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// `calls` computations by a candidate that has run once.
    fn plan(&self, direction: Direction, candidate: &Candidate, calls: u32) -> Result<Plan> {
        let [x, weight, y] = [self.x.view(), self.weight.view(), self.y.view()];
        let conv = &self.conv;
        let dispatches = match direction {
            Direction::Forward => {
                let (partial, statistics) =
                    (self.statistics.view(), conv.statistics_chunk(candidate).is_some());
                let mut all =
                    conv.forward_cut(candidate, [&x, &weight], &y, &partial, statistics, MOST_FLOPS)?;
                if self.normalized && !statistics {
                    all.push(self.norm().statistics(&y, &partial));
                }
                all
            }
            Direction::InputGradient => {
                conv.input_gradient_cut(candidate, [&y, &weight], &x, false, MOST_FLOPS)?
            }
            Direction::WeightGradient => {
                let partial = self.partial.view();
                conv.weight_gradient_cut(candidate, [&x, &y], &partial, self.stride, MOST_FLOPS)?
            }
        };
        let plan = |calls: u32| {
            let mut recorder = Recorder::new();
            for dispatch in (0..calls).flat_map(|_| &dispatches) {
                recorder.push(dispatch.clone());
            }
            recorder.finish(self.gpu)
        };
        plan(1)?.run(self.gpu)?;
        plan(calls)
    }
}

/// Times every candidate for every convolution of the network, those of one shape and direction in turns; `watch` gets each
/// row and may end the bench. Rows whose direction, shape and name do not hold all words of `only` are left out.
///
/// # Errors
/// Not enough device memory, a shader that does not compile, or a lost device.
pub fn bench(
    gpu: &Gpu,
    network: &Network,
    batch: usize,
    only: &str,
    turns: u32,
    mut watch: impl FnMut(&ConvRow) -> Result<()>,
) -> Result<()> {
    for conv in shapes(network, batch) {
        let subject = Subject::new(gpu, conv, false)?;
        let runs = |own: &&Candidate| (own.fits)(&conv) && gpu.takes(own.kernel);
        for direction in Direction::ALL {
            let wanted = |own: &&Candidate| {
                let name = format!("{} {conv} {}", direction.name(), own.name);
                only.split_whitespace().all(|word| name.contains(word))
            };
            let all = direction.candidates().iter().filter(runs).filter(wanted);
            let (naive, others): (Vec<_>, Vec<_>) = all.partition(|own| own.made_for == MadeFor::Comparison);
            let naive = subject.seconds(direction, &naive, 1, 1)?;
            let of_naive = naive.first().map(|row| row.1);
            let others = subject.seconds(direction, &others, turns, 4)?;
            for (candidate, seconds) in naive.into_iter().chain(others) {
                let row = ConvRow {
                    kernel: candidate.kernel.name.to_owned(),
                    shape: conv.to_string(),
                    batch,
                    direction: direction.name(),
                    candidate: candidate.name,
                    seconds,
                    gflops: conv.flops() as f64 / seconds / 1e9,
                    times_naive: of_naive.map(|naive| naive / seconds),
                };
                watch(&row)?;
            }
        }
    }
    Ok(())
}

impl std::fmt::Display for ConvRow {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Self { shape, direction, candidate, seconds, gflops, times_naive, .. } = self;
        let ratio = times_naive.map_or(String::new(), |ratio| format!("{ratio:>7.1} x naive"));
        write!(
            f,
            "{shape:<32} {direction:<16} {candidate:<12} {:>9.3} ms {gflops:>8.1} GFLOP/s{ratio}",
            seconds * 1e3
        )
    }
}
