//! Dispatches that are cut over the batch give the bits of those that are not.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use wgrad::gpu::{Buffer, Dispatch, Gpu, Recorder};
use wgrad::kernels::conv::{Candidate, Choices, Conv, Direction};
use wgrad::rng::{Sequence, Stream};
use wgrad::train::{Checkpoint, Run};

use super::training::{config, few};
use crate::support::{Silent, gpu};

/// What an output holds before a dispatch.
const UNTOUCHED: f32 = -77.25;

/// Random tensors of a shape, and an output.
struct Tensors {
    conv: Conv,
    x: Buffer,
    dy: Buffer,
    weight: Buffer,
    out: Buffer,
    partial: Buffer,
    stride: usize,
}

impl Tensors {
    fn new(gpu: &Gpu, conv: Conv) -> Self {
        let random = |name: &str, part: u32, words: usize| {
            let mut sequence = Sequence::new(7, Stream::Test, 0, part);
            let values: Vec<f32> = (0..words).map(|_| sequence.normal() as f32).collect();
            gpu.upload(name, &values).expect("a buffer")
        };
        // The largest form of the weights is 6x6 points, with output groups filled up to four.
        let words = conv.weight_words() * 36 + (1 << 16);
        let stride = conv.weight_words().next_multiple_of(64);
        Self {
            conv,
            x: random("x", 1, conv.input_words()),
            dy: random("dy", 2, conv.output_words()),
            weight: random("weight", 3, words),
            out: gpu.buffer("out", conv.input_words().max(conv.output_words())).expect("a buffer"),
            partial: gpu
                .buffer("partial", (stride * conv.splits()).max(2 * conv.output_words()))
                .expect("a buffer"),
            stride,
        }
    }

    fn dispatches(
        &self,
        direction: Direction,
        candidate: &Candidate,
        option: bool,
        most: u64,
    ) -> Vec<Dispatch> {
        let [x, dy, weight] = [&self.x, &self.dy, &self.weight].map(Buffer::view);
        let (out, partial) = (self.out.view(), self.partial.view());
        let made = match direction {
            Direction::Forward => {
                self.conv.forward_cut(candidate, [&x, &weight], &out, &partial, option, most)
            }
            Direction::InputGradient => {
                self.conv.input_gradient_cut(candidate, [&dy, &weight], &out, option, most)
            }
            Direction::WeightGradient => {
                self.conv.weight_gradient_cut(candidate, [&x, &dy], &partial, self.stride, most)
            }
        };
        made.expect("a dispatch")
    }

    /// Bits of both outputs.
    fn run(&self, gpu: &Gpu, dispatches: &[Dispatch]) -> Vec<u32> {
        let mut recorder = Recorder::new();
        dispatches.iter().for_each(|dispatch| recorder.push(dispatch.clone()));
        let outputs = [self.out.view(), self.partial.view()];
        for view in &outputs {
            gpu.write(view, &vec![UNTOUCHED; view.len_words()]).expect("a write");
        }
        recorder.finish(gpu).expect("a plan").run(gpu).expect("a run");
        outputs.iter().flat_map(|view| gpu.read::<u32>(view).expect("a readback")).collect()
    }
}

/// Batch, height, width, input and output channels, kernel, stride, padding. Images whose sizes are no multiple of an
/// alignment; chunks of the statistics and splits of several images, and several of them in an image.
const SHAPES: [[usize; 8]; 4] = [
    [150, 8, 8, 13, 16, 3, 1, 1],
    [200, 9, 7, 6, 5, 3, 2, 1],
    [600, 4, 4, 12, 20, 1, 2, 0],
    [3, 64, 64, 3, 4, 3, 1, 1],
];

fn conv_of([batch, height, width, in_channels, out_channels, kernel, stride, padding]: [usize; 8]) -> Conv {
    Conv { batch, height, width, in_channels, out_channels, kernel, stride, padding }
}

#[test]
fn parts_give_the_bits_of_the_whole() {
    let gpu = gpu();
    let mut cut = [0; 3];
    for conv in SHAPES.map(conv_of) {
        let tensors = Tensors::new(gpu, conv);
        for direction in Direction::ALL {
            // Large images are for splits within one.
            let small = conv.height < 64 || direction == Direction::WeightGradient;
            let takes = |own: &&Candidate| small && (own.fits)(&conv) && gpu.takes(own.kernel);
            for candidate in direction.candidates().iter().filter(takes) {
                // What a part leaves besides, or adds to, tells most of where it lies.
                let option = match direction {
                    Direction::Forward => conv.statistics_chunk(candidate).is_some(),
                    Direction::InputGradient => true,
                    Direction::WeightGradient => false,
                };
                let name = format!("{} of {conv}, {}, {option}", direction.name(), candidate.name);
                let whole = tensors.dispatches(direction, candidate, option, u64::MAX);
                assert_eq!(whole.len(), 1, "{name}");
                let expected = tensors.run(gpu, &whole);
                let mut least = 1;
                for share in [3, 1000] {
                    let parts = tensors.dispatches(direction, candidate, option, whole[0].flops / share);
                    assert!(parts.len() >= least, "{name}: {} parts", parts.len());
                    least = parts.len();
                    assert_eq!(parts.iter().map(|part| part.flops).sum::<u64>(), whole[0].flops, "{name}");
                    let got = tensors.run(gpu, &parts);
                    let differ = got.iter().zip(&expected).filter(|(a, b)| a != b).count();
                    assert_eq!(differ, 0, "{name}, {} parts: {differ} words differ", parts.len());
                }
                // Splits that do not begin with images that views may start at are left together.
                assert!(least > 1 || direction == Direction::WeightGradient, "{name}: it is not cut at all");
                cut[direction as usize] += usize::from(least > 1);
            }
        }
    }
    assert!(cut.iter().all(|cases| *cases >= 10), "{cut:?}");
}

/// What a batch of an ordinary network has is below the limit.
#[test]
fn ordinary_batches_are_not_cut() {
    for channels in [[3, 16], [16, 16], [64, 64]] {
        let conv = conv_of([256, 32, 32, channels[0], channels[1], 3, 1, 1]);
        assert!(conv.flops() < Choices::of_device(gpu()).most_flops(), "{conv}");
    }
}

fn trained(most_flops: u64, out: &Path) -> BTreeMap<String, Vec<u32>> {
    let sets = [
        "model=resnet8",
        "option=b",
        "batch=48",
        "eval_batch=20",
        "epochs=1",
        "activation=dropact",
        "regularize.dropconnect=0.2",
    ];
    let (config, dataset) = (config(&sets), few(100, 20));
    let mut run = Run::create(gpu(), config, &dataset, out).expect("a run");
    run.choose(Choices::of_device(gpu()).cutting(most_flops));
    run.train(&mut Silent, &AtomicBool::new(false)).expect("it trains");
    let checkpoint = Checkpoint::read(&out.join("checkpoints/last.safetensors")).expect("a checkpoint");
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    checkpoint.tensors.into_iter().map(|(name, (_, values))| (name, bits(values))).collect()
}

#[test]
fn a_network_with_cut_dispatches_learns_to_the_same_bits() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = trained(u64::MAX, &folder.path().join("whole"));
    let cut = trained(20_000_000, &folder.path().join("cut"));
    assert!(whole.len() > 10 && whole.keys().eq(cut.keys()));
    let differ: Vec<_> = whole.iter().filter(|(name, bits)| cut[*name] != **bits).map(|row| row.0).collect();
    assert!(differ.is_empty(), "{differ:?}");
}
