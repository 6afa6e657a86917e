//! What the airbench recipe brings: whitening filters, parameters that are not always trained, views of test images, and
//! `lr-find` from the weights that a run begins with.

use std::sync::atomic::AtomicBool;

use wgrad::config::Tta;
use wgrad::data::{Images, Source, load};
use wgrad::gpu::Recorder;
use wgrad::kernels::Activation;
use wgrad::kernels::augment::Normalize;
use wgrad::kernels::conv::Choices;
use wgrad::kernels::optimizer::State;
use wgrad::nn::models::{self, Settings};
use wgrad::nn::{Mode, Network, Pass, Weights, Workspace};
use wgrad::train::{
    Checkpoint, DeviceImages, Evaluation, Sweep, TrainedImages, TrainedNetwork, Whitening, build_network,
    lr_find, metrics,
};

use super::training::{config, few, train};
use crate::support::gpu;

/// Added to the eigenvalues by airbench94.
const EPS: f64 = 5e-4;
/// Numbers of a patch of 2 x 2 pixels.
const PATCH: usize = 12;

/// Second moments of the first 12 channels of the stem's convolution on these images.
fn moments(
    network: &Network,
    weights: &Weights,
    data: &DeviceImages,
    normalize: &Normalize,
) -> Vec<Vec<f64>> {
    let (gpu, batch) = (gpu(), 50);
    let mut workspace = Workspace::new(gpu, network, batch, 0, false).expect("memory");
    let [height, width, filters] = network.shape(1);
    let mut sums = vec![vec![0.0; PATCH]; PATCH];
    for first in (0..200).step_by(batch) {
        let images: Vec<u32> = (first..first + batch as u32).collect();
        let view = workspace.value(network, 0, batch);
        data.gather_plain(gpu, &images, normalize, view).expect("images");
        let state = gpu.upload("state", &[State::default()]).expect("a state").view();
        let (choices, mut recorder) = (Choices::of_device(gpu), Recorder::new());
        let workspace = &mut workspace;
        let mode = Mode::Eval;
        let mut pass =
            Pass { gpu, network, weights, workspace, state, seed: 0, batch, mode, choices: &choices };
        pass.forward_to(1, &mut recorder).expect("a forward pass");
        recorder.finish(gpu).expect("a plan").run(gpu).expect("it runs");
        let stored: Vec<f32> = gpu.read(&workspace.value(network, 1, batch)).expect("values");
        // Planes of four channels: 24 filters fill them.
        let at = |n: usize, c: usize, p: usize| {
            f64::from(stored[((n * filters / 4 + c / 4) * height * width + p) * 4 + c % 4])
        };
        for (n, p) in (0..batch).flat_map(|n| (0..height * width).map(move |p| (n, p))) {
            let patch: Vec<f64> = (0..PATCH).map(|c| at(n, c, p)).collect();
            for (row, a) in sums.iter_mut().zip(&patch) {
                row.iter_mut().zip(&patch).for_each(|(sum, b)| *sum += a * b);
            }
        }
    }
    let count = (200 * height * width) as f64;
    sums.into_iter().map(|row| row.into_iter().map(|sum| sum / count).collect()).collect()
}

/// The whitened patches have the identity for second moments, but for the eps that is added to the eigenvalues: with rows w of the
/// filters that is 1 - eps |w|^2.
#[test]
fn whitened_patches_have_identity_moments() {
    let gpu = gpu();
    let dataset = load(&Source::Sample).expect("the sample is whole");
    let data = DeviceImages::upload(gpu, &dataset.train).expect("memory");
    let settings = Settings::cifar10(Activation::parse("gelu").expect("an activation"));
    let network = models::build("airbench_2", &settings).expect("a model");
    let weights = Weights::new(gpu, &network, 1).expect("memory");
    weights.initialize(gpu, &network, 0).expect("weights");
    let normalize = Normalize::PerChannel { mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616] };
    let before = moments(&network, &weights, &data, &normalize);
    assert!((0..PATCH).any(|i| (before[i][i] - 1.0).abs() > 0.5), "orthogonal filters do not whiten");

    let images: Vec<u32> = (0..200).collect();
    let whitening =
        Whitening { gpu, network: &network, weights: &weights, data: &data, normalize: &normalize };
    whitening.set(&images).expect("filters");
    let got = moments(&network, &weights, &data, &normalize);
    let filters = weights.get(gpu, &weights.weight, &network.parameters[..1]).expect("filters").remove(0);
    let (first, second) = filters.split_at(PATCH * PATCH);
    assert!(first.iter().zip(second).all(|(a, b)| *a == -*b), "the second half is the first one negated");
    let square: Vec<f64> =
        first.chunks_exact(PATCH).map(|row| row.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>()).collect();
    assert!(square.windows(2).all(|pair| pair[0] <= pair[1]), "eigenvalues fall");
    // Of a patch's norm, the mean square is the sum of the eigenvalues. A filter's output is off by 12 roundings of products and
    // sums and one of the weights, of sizes whose root mean square is at most that norm times the row's.
    let norm = square.iter().map(|square| 1.0 / square - EPS).sum::<f64>().sqrt();
    let error = |i: usize| 13.0 * 2f64.powi(-24) * square[i].sqrt() * norm;
    for (i, row) in got.iter().enumerate() {
        for (j, got) in row.iter().enumerate() {
            let expected = if i == j { 1.0 - EPS * square[i] } else { 0.0 };
            let (off, most) = ((got - expected).abs(), error(i) + error(j) + error(i) * error(j));
            assert!(off <= most, "{i}, {j}: {got} is {off:e} from {expected}, expected at most {most:e}");
        }
    }
}

/// Settings for a few small images; the rates are for the whole recipe's batch.
const SMALL: [&str; 9] = [
    "model=airbench_2",
    "activation=gelu",
    "batch=20",
    "eval_batch=10",
    "data.split=none",
    "optimizer.lr=0.01",
    "optimizer.norm_bias_lr=64",
    "optimizer.nesterov=true",
    "schedule.kind=constant",
];

#[test]
fn what_is_not_trained_keeps_its_bits() {
    let (dataset, folder) = (few(20, 10), tempfile::tempdir().expect("a folder"));
    let settings = config(&[&SMALL[..], &["epochs=5"]].concat());
    let out = folder.path().join("run");
    let mut epochs = Vec::new();
    // An epoch is a step; the run is stopped after each.
    for step in [1, 3, 4, 0] {
        train(&settings, &dataset, &out, step);
        epochs.push(Checkpoint::read(&out.join("checkpoints/last.safetensors")).expect("one").tensors);
    }
    for pair in epochs.windows(2) {
        for (name, (_, values)) in pair[0].iter().filter(|(name, _)| !name.contains("optimizer.")) {
            let same = *values == pair[1][name].1;
            let frozen = name == "conv1.weight" || name.ends_with(".weight") && name.contains(".bn");
            if name != "conv1.bias" {
                assert_eq!(same, frozen, "{name}");
            }
        }
    }
    let bias: Vec<_> = epochs.iter().map(|tensors| &tensors["conv1.bias"].1).collect();
    assert!(bias[0] != bias[1], "the stem's bias learns in the first three epochs");
    assert!(bias[1] == bias[2] && bias[2] == bias[3], "and no longer");
}

/// Left and right change places, by hand.
fn mirrored(images: &Images) -> Images {
    let rows = images.pixels.chunks_exact(3 * images.width as usize);
    let pixels = rows.flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect();
    Images { pixels, labels: images.labels.clone(), ..*images }
}

#[test]
fn views_are_averaged() {
    let (gpu, mut dataset) = (gpu(), few(20, 25));
    let folder = tempfile::tempdir().expect("a folder");
    let settings = config(&[&SMALL[..], &["epochs=2", "evaluate.tta=flip"]].concat());
    let out = folder.path().join("run");
    let summary = train(&settings, &dataset, &out, 0).expect("the run ends");
    let network = build_network(&settings, [32, 32, 3], 10).expect("a network");
    let weights = Weights::new(gpu, &network, 1).expect("memory");
    let path = out.join("checkpoints/best.safetensors");
    let checkpoint = Checkpoint::read(&path).expect("a checkpoint");
    checkpoint.restore_weights(&path, gpu, &network, &weights).expect("weights");
    let mut choices = Choices::of_device(gpu);
    choices.fix_names(&checkpoint.progress.expect("a run's").kernels).expect("kernels");
    let logits = |tta: Tta, dataset: &wgrad::data::Dataset| {
        let mut config = settings.clone();
        config.evaluate.tta = tta;
        let trained =
            TrainedNetwork { gpu, config: &config, network: &network, weights: &weights, choices: &choices };
        TrainedImages::Test.logits(&trained, dataset).expect("logits")
    };
    let (flipped, labels) = logits(Tta::Flip, &dataset);
    let (six, plain) = (logits(Tta::FlipTranslate, &dataset).0, logits(Tta::None, &dataset).0);
    let evaluation = Evaluation::of(&flipped, &labels, 10);
    assert_eq!((summary.test_accuracy, summary.test_loss), (evaluation.accuracy, evaluation.loss));
    assert_eq!(summary.tta, Tta::Flip);
    dataset.test = mirrored(&dataset.test);
    let mirror = logits(Tta::None, &dataset).0;
    assert!(plain != mirror);
    let mean: Vec<f32> =
        plain.iter().zip(&mirror).map(|(a, b)| (0.5 * f64::from(*a) + 0.5 * f64::from(*b)) as f32).collect();
    assert_eq!(flipped, mean);
    assert!(six != flipped && six.iter().zip(&flipped).all(|(a, b)| (a - b).abs() < 1.0));
}

/// The first loss of a sweep is that of the same run's first step: it begins with the same weights.
#[test]
fn a_sweep_begins_as_a_run_does() {
    let (gpu, dataset) = (gpu(), few(40, 10));
    let lsuv = ["model=resnet8", "activation=tanh", "batch=20", "data.split=none", "weights.kernels=lsuv"];
    let mut losses = Vec::new();
    for sets in [&lsuv[..], &SMALL, &[&lsuv[..4], &["weights.kernels=orthogonal"]].concat()] {
        let settings = config(&[sets, &["steps=1"]].concat());
        let network = build_network(&settings, [32, 32, 3], 10).expect("a network");
        let (sweep, stop) = (Sweep::new(1e-5, 1e-2).expect("rates"), AtomicBool::new(false));
        let choices = Choices::of_device(gpu);
        let found = lr_find(gpu, &settings, &network, &dataset, choices, sweep, &stop).expect("a sweep");
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("run");
        train(&settings, &dataset, &out, 0).expect("the run ends");
        let run = metrics::read(&out.join("metrics.jsonl")).expect("metrics");
        assert_eq!(found.points[0].loss, run[0].train_loss, "{sets:?}");
        losses.push(found.points[0].loss);
    }
    assert!(losses[0] != losses[2], "LSUV scales what orthogonal leaves");
}
