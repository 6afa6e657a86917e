//! Initialisers that are about what a network gives, through the real plan.

use wgrad::data::{Source, load};
use wgrad::gpu::Recorder;
use wgrad::kernels::augment::Normalize;
use wgrad::kernels::conv::Choices;
use wgrad::kernels::optimizer::State;
use wgrad::kernels::{Activation, pack_planes};
use wgrad::nn::models::{self, Settings, ShortcutOption};
use wgrad::nn::{Init, Mode, Network, Pass, Weights, Workspace};
use wgrad::rng::{Sequence, Stream};
use wgrad::train::{DeviceImages, Lsuv};

use crate::support::gpu;

fn network(model: &str, activation: &str, kernels: Init) -> Network {
    let settings = Settings {
        kernels: Some(kernels),
        output: Some(kernels),
        // Option A would add what a crelu gave, not its sum.
        option: ShortcutOption::B,
        ..Settings::cifar10(Activation::parse(activation).expect("a SPEC"))
    };
    models::build(model, &settings).expect("a network")
}

/// Mishkin and Matas scale until the variance is within 0.1 of 1.
#[test]
fn lsuv_reaches_unit_variance() {
    let gpu = gpu();
    let dataset = load(&Source::Sample).expect("the sample is whole");
    let data = DeviceImages::upload(gpu, &dataset.train).expect("memory");
    for (model, activation) in
        [("mlp_6x50", "tanh"), ("resnet8", "relu"), ("resnet8_seed", "prelu"), ("resnet_v1_8", "crelu")]
    {
        let network = network(model, activation, Init::Orthogonal);
        let weights = Weights::new(gpu, &network, 32).expect("memory");
        weights.initialize(gpu, &network, 3).expect("weights");
        let choices = Choices::of_device(gpu);
        let normalize = Normalize::PerImage;
        let lsuv = Lsuv {
            gpu,
            network: &network,
            weights: &weights,
            data: &data,
            normalize,
            seed: 3,
            choices: &choices,
        };
        let images: Vec<u32> = (0..32).collect();
        let variances = lsuv.scale(&images).expect("variances");
        let kernels = network.parameters.iter().filter(|parameter| parameter.role.is_kernel());
        assert_eq!(variances.len(), kernels.count(), "{model}");
        for (name, variance) in &variances {
            assert!((variance - 1.0).abs() < 0.1, "{model}: {name} gives variance {variance}");
        }
        // A second pass finds nothing to do, so what was measured is what the weights give.
        let before = weights.get(gpu, &weights.weight, &network.parameters).expect("weights");
        let scaled = network.parameters.iter().zip(&before).any(|(parameter, values)| {
            let norm: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum();
            parameter.role.is_kernel()
                && (norm / parameter.shape[0].min(parameter.len() / parameter.shape[0]) as f64 - 1.0).abs()
                    > 0.2
        });
        assert!(scaled, "{model}: no layer was scaled");
    }
}

/// Logits of a batch in evaluation.
fn logits(network: &Network, weights: &Weights, rows: &[f32], batch: usize) -> Vec<f32> {
    let gpu = gpu();
    let mut workspace = Workspace::new(gpu, network, batch, 0, false).expect("memory");
    let [height, width, channels] = network.input;
    gpu.write(&workspace.value(network, 0, batch), &pack_planes(rows, height * width, channels))
        .expect("images");
    let state = gpu.upload("state", &[State::default()]).expect("a state").view();
    let choices = Choices::of_device(gpu);
    let mut recorder = Recorder::new();
    let mut pass = Pass {
        gpu,
        network,
        weights,
        workspace: &mut workspace,
        state,
        seed: 0,
        batch,
        mode: Mode::Eval,
        choices: &choices,
    };
    pass.forward(&mut recorder).expect("a forward pass");
    recorder.finish(gpu).expect("a plan").run(gpu).expect("it runs");
    let stored: Vec<f32> = gpu.read(&workspace.value(network, network.logits(), batch)).expect("logits");
    network.real_values(network.logits(), &stored)
}

/// Balduzzi et al., arXiv 1702.08591: with (W, -W) behind every crelu the network is linear when it starts; with other weights
/// it is not.
#[test]
fn looks_linear_is_linear() {
    let gpu = gpu();
    for (kernels, is_linear) in [(Init::LooksLinear, true), (Init::HE_NORMAL, false)] {
        for model in ["mlp_4x24", "resnet8"] {
            let network = network(model, "crelu", kernels);
            let weights = Weights::new(gpu, &network, 3).expect("memory");
            weights.initialize(gpu, &network, 5).expect("weights");
            // PyTorch's biases are not 0; a linear map has none.
            let bias = network.parameters.last().expect("a bias");
            weights.set(gpu, bias, &vec![0.0; bias.len()]).expect("a bias");
            let mut sequence = Sequence::new(1, Stream::Test, 0, 0);
            let mut image = || (0..3 * 1024).map(|_| sequence.normal() as f32).collect::<Vec<_>>();
            let (x, y) = (image(), image());
            let sum: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
            let all = logits(&network, &weights, &[x, y, sum].concat(), 3);
            let (x, rest) = all.split_at(10);
            let (y, sum) = rest.split_at(10);
            let size = sum.iter().map(|v| v.abs()).fold(0.0, f32::max);
            let off = (0..10).map(|k| (x[k] + y[k] - sum[k]).abs()).fold(0.0, f32::max) / size;
            // Sums of up to 3,072 products in each of a few layers, rounding errors of sqrt(terms) ULP each.
            assert_eq!(off < 1e-4, is_linear, "{model}, {kernels:?}: off by {off} of the largest logit");
            assert!(is_linear || off > 0.01, "{model}: {off}");
        }
    }
}
