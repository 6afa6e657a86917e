//! Regularisers in whole runs, and DropConnect's moments at test time.

use std::sync::atomic::AtomicBool;

use wgrad::config::RunConfig;
use wgrad::gpu::Recorder;
use wgrad::kernels::conv::Choices;
use wgrad::kernels::groups_of_four;
use wgrad::kernels::optimizer::State;
use wgrad::nn::{Builder, Mode, Network, Pass, Weights, Workspace};
use wgrad::train::{Observer, Run};

use crate::support::gpu;

struct Quiet;

impl Observer for Quiet {}

/// Each regulariser in a ResNet, and for some in the other models.
const SETS: &[(&str, &[&str])] = &[
    ("resnet8", &["regularize.drop=dropout:rate=0.3"]),
    ("resnet8", &["regularize.drop=dropout:rate=0.3,unit=channel", "regularize.drop_at=activations"]),
    ("resnet8", &["regularize.drop=alpha_dropout:rate=0.1", "regularize.drop_at=head"]),
    ("resnet8", &["regularize.drop=gaussian_dropout:rate=0.2"]),
    ("wrn_10_1", &["regularize.drop=dropblock:rate=0.1,block=5"]),
    ("resnet8", &["regularize.residual=stochastic_depth"]),
    ("resnet8_seed", &["regularize.residual=shakedrop"]),
    ("resnet8", &["regularize.dropconnect=0.3"]),
    ("resnet_v1_8", &["regularize.dropconnect=0.2", "regularize.dropconnect_on=all"]),
    ("mlp_2x16", &["regularize.dropconnect=0.3", "regularize.dropconnect_samples=masks"]),
    ("resnet_v2_11", &["weights.kernels=orthogonal"]),
];

#[test]
fn regularisers_stay_finite_in_training() {
    let dataset = super::training::few(50, 10);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, (model, sets)) in SETS.iter().enumerate() {
        let usual = ["batch=4", "steps=4", "epochs=1", "optimizer.lr=0.01"].map(str::to_owned);
        let own = sets.iter().map(|set| (*set).to_owned());
        let all: Vec<String> = usual.into_iter().chain([format!("model={model}")]).chain(own).collect();
        let config = RunConfig::from_layers(None, &all, &toml::Table::new()).expect("a good configuration");
        let out = folder.path().join(number.to_string());
        let mut run = Run::create(gpu(), config, &dataset, &out).expect("the run starts");
        let summary = run.train(&mut Quiet, &AtomicBool::new(false)).expect("it trains");
        assert!(summary.test_loss.is_finite(), "{model} {sets:?}: {summary:?}");
    }
}

const INPUTS: usize = 6;
const CLASSES: usize = 5;
const BATCH: usize = 3;
const SAMPLES: u32 = 600;
const RATE: f32 = 0.3;

/// A linear layer with DropConnect.
fn network(gaussian: bool) -> Network {
    let mut b = Builder::new("linear", [1, 1, INPUTS], CLASSES).dropconnect(RATE, true, gaussian);
    b.classifier("linear", b.image()).expect("a layer");
    b.finish().expect("a network")
}

/// Logits of so many noisy passes, with the weights of the network that draws nothing in evaluation.
fn sampled(plain: &Network, images: &[f32], weights: &[f32], bias: &[f32]) -> Vec<Vec<f32>> {
    let gpu = gpu();
    let network = &plain.clone().with_noise_in_evaluation().expect("it draws");
    let own = Weights::new(gpu, plain, BATCH).expect("buffers");
    own.set(gpu, &network.parameters[0], weights).expect("weights");
    own.set(gpu, &network.parameters[1], bias).expect("a bias");
    let mut workspace = Workspace::new(gpu, network, BATCH, 0, false).expect("buffers");
    let width = groups_of_four(INPUTS) * 4;
    let padded = |row: &[f32]| [row, &vec![0.0; width - INPUTS]].concat();
    let images: Vec<f32> = images.chunks_exact(INPUTS).flat_map(padded).collect();
    gpu.write(&workspace.value(network, 0, BATCH), &images).expect("images");
    let state = gpu.buffer("state", size_of::<State>() / 4).expect("a buffer").view();
    let choices = Choices::of_device(gpu);
    let (mut recorder, mode) = (Recorder::new(), Mode::Eval);
    let mut pass = Pass {
        gpu,
        network,
        weights: &own,
        workspace: &mut workspace,
        state: state.clone(),
        seed: 5,
        batch: BATCH,
        mode,
        choices: &choices,
    };
    pass.forward(&mut recorder).expect("a forward pass");
    let plan = recorder.finish(gpu).expect("a plan");
    let mut all = Vec::new();
    for step in 0..SAMPLES {
        gpu.write(&state, &[State { step, ..State::default() }]).expect("a state");
        plan.run(gpu).expect("it runs");
        let logits: Vec<f32> = gpu.read(&workspace.value(network, 1, BATCH)).expect("logits");
        let stored = groups_of_four(CLASSES) * 4;
        all.push(logits.chunks_exact(stored).flat_map(|row| row[..CLASSES].to_vec()).collect());
    }
    all
}

/// Wan et al., ICML 2013, section 4: a unit's input has the mean p W x + b and the variance p (1 - p) W^2 x^2, whether masks or
/// Gaussians are drawn.
#[test]
fn dropconnect_samples_have_the_moments_of_its_masks() {
    let value = |i: usize, k: f64| ((i as f64 * k).sin() * 1.5) as f32;
    let images: Vec<f32> = (0..BATCH * INPUTS).map(|i| value(i + 1, 1.7)).collect();
    let weights: Vec<f32> = (0..CLASSES * INPUTS).map(|i| value(i + 1, 2.3)).collect();
    let bias: Vec<f32> = (0..CLASSES).map(|i| value(i + 1, 0.9)).collect();
    let keep = f64::from(1.0 - RATE);
    for gaussian in [false, true] {
        let samples = sampled(&network(gaussian), &images, &weights, &bias);
        for n in 0..BATCH {
            for o in 0..CLASSES {
                let products: Vec<f64> = (0..INPUTS)
                    .map(|i| f64::from(images[n * INPUTS + i]) * f64::from(weights[o * INPUTS + i]))
                    .collect();
                let mean = f64::from(bias[o]) + keep * products.iter().sum::<f64>();
                let variance = keep * (1.0 - keep) * products.iter().map(|p| p * p).sum::<f64>();
                let values: Vec<f64> = samples.iter().map(|s| f64::from(s[n * CLASSES + o])).collect();
                let count = f64::from(SAMPLES);
                let got = values.iter().sum::<f64>() / count;
                let spread = values.iter().map(|v| (v - got).powi(2)).sum::<f64>() / count;
                let off = (got - mean).abs() / (variance / count).sqrt();
                // Five standard deviations; a normal's variance of n draws deviates by sqrt(2/n) of itself, a sum of a few
                // two-valued terms by less than twice that.
                assert!(
                    off < 5.0,
                    "gaussian {gaussian}, {n} {o}: mean {got}, expected {mean}, {off} deviations"
                );
                let relative = (spread / variance - 1.0).abs() / (2.0 / count).sqrt();
                assert!(
                    relative < 8.0,
                    "gaussian {gaussian}, {n} {o}: variance {spread}, expected {variance}"
                );
            }
        }
    }
}
