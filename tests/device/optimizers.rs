//! Optimizers on the device: ten steps against PyTorch and Keras; clipping and averages in a real run.

use std::sync::atomic::AtomicBool;

use wgrad::config::RunConfig;
use wgrad::data::{Source, load};
use wgrad::gpu::Recorder;
use wgrad::kernels::optimizer::{self, Clip, GradientNorm, LossScale, State};
use wgrad::nn::Weights;
use wgrad::train::{Checkpoint, Evaluation, Run, TrainedImages, TrainedNetwork, metrics, optimizer_settings};

use crate::support::golden_optimizers::{Golden, ROWS, config};
use crate::support::{Silent, gpu};

const ULP: f64 = 1.0 / 8_388_608.0;

/// f32 on the device, float64 there. A step rounds a weight below 2 once, and its update (at most 10 times the learning
/// rate of 0.011) in some thirty operations; ten steps.
const BOUND: f64 = 10.0 * (2.0 + 0.11 * 32.0) * ULP;

/// The weights after each of the ten steps.
fn run(golden: &Golden, settings: &[&str]) -> Vec<Vec<f32>> {
    let gpu = gpu();
    let settings = optimizer_settings(&config(settings).optimizer);
    let narrow = |values: &[f64]| -> Vec<f32> { values.iter().map(|&v| v as f32).collect() };
    let words = golden.weight.len();
    let upload = |name, values: &[f32]| gpu.upload(name, values).expect("memory").view();
    let weight = upload("weight", &narrow(&golden.weight));
    let gradient = upload("gradient", &vec![0.0; words]);
    let decay = upload("decay", &[settings.weight_decay, settings.l1, 1.0, 0.0].repeat(words / 64));
    let rates = settings.rates(0, &narrow(&golden.lr));
    let rates = gpu.upload("rates", &rates).expect("memory").view();
    let state = gpu.upload("state", &[State::before(0, 0, 0)]).expect("memory").view();
    let scaling = gpu.upload("scaling", &[LossScale::ONE]).expect("memory").view();
    let slots: Vec<_> = settings.rule.slots().iter().map(|name| upload(name, &vec![0.0; words])).collect();
    let slots: Vec<_> = slots.iter().collect();
    let mut recorder = Recorder::new();
    recorder.push(optimizer::advance(1, 0, &rates, &state, &scaling));
    if let Clip::Norm(most) = settings.treatment.clip {
        let norm = GradientNorm::new(gpu, words).expect("memory");
        norm.dispatches(&gradient, &state, most).into_iter().for_each(|dispatch| recorder.push(dispatch));
    }
    let views = [&gradient, &decay, &state, &scaling];
    recorder.push(settings.rule.step(settings.treatment, views, &weight, &slots));
    let plan = recorder.finish(gpu).expect("the shaders compile");
    let step = |g: &Vec<f64>| {
        gpu.write(&gradient, &narrow(g)).expect("it is written");
        plan.run(gpu).expect("it runs");
        gpu.read(&weight).expect("it is read")
    };
    golden.gradient.iter().map(step).collect()
}

#[test]
fn ten_steps_agree_with_pytorch_and_keras() {
    let golden = Golden::load();
    for (name, settings) in ROWS {
        let states = run(&golden, settings);
        for (step, expected) in &golden.after[*name] {
            let errors = states[step - 1].iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs());
            let error = errors.fold(0.0, f64::max);
            assert!(error < BOUND, "{name}, step {step}: {error:e}, bound {BOUND:e}");
        }
    }
}

/// A run with an average validates, keeps and tests the average, and goes on from the trained weights.
#[test]
fn the_average_is_what_is_evaluated() {
    let sets = [
        "model=resnet8",
        "epochs=2",
        "batch=100",
        "data.validation=0.1",
        "optimizer.average=0.8",
        "optimizer.clip_norm=0.5",
    ];
    let config =
        RunConfig::from_layers(None, &sets.map(String::from), &toml::Table::new()).expect("a configuration");
    let mut dataset = load(&Source::Sample).expect("the sample");
    for (images, count) in [(&mut dataset.train, 300), (&mut dataset.test, 50)] {
        images.pixels.truncate(count * images.image_bytes());
        images.labels.truncate(count);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let mut run = Run::create(gpu(), config.clone(), &dataset, &out).expect("it begins");
    run.train(&mut Silent, &AtomicBool::new(false)).expect("it ends");
    let log = metrics::read(&out.join("metrics.jsonl")).expect("metrics");

    let path = out.join("checkpoints/last.safetensors");
    let checkpoint = Checkpoint::read(&path).expect("a checkpoint");
    let (averaged, trained) =
        (&checkpoint.tensors["conv1.weight"].1, &checkpoint.tensors["train.weight.conv1.weight"].1);
    assert!(averaged.iter().zip(trained).all(|(a, b)| a.is_finite() && b.is_finite()));
    assert_ne!(averaged, trained, "the average lags behind");
    let network = run.network();
    let weights = Weights::new(gpu(), network, 1).expect("memory");
    checkpoint.restore_weights(&path, gpu(), network, &weights).expect("it fits");
    let choices = run.choices();
    let own = TrainedNetwork { gpu: gpu(), config: &config, network, weights: &weights, choices };
    let (logits, labels) = TrainedImages::Validation.logits(&own, &dataset).expect("logits");
    let evaluation = Evaluation::of(&logits, &labels, network.classes);
    assert_eq!((Some(evaluation.loss), Some(evaluation.accuracy)), (log[1].val_loss, log[1].val_accuracy));
}

/// Each kernel of the last and the best checkpoint has exactly its share of zeros, whatever was trained since.
#[test]
fn pruned_weights_stay_away() {
    let sets = [
        "model=resnet8",
        "epochs=3",
        "batch=50",
        "data.validation=0.1",
        "optimizer.kind=adam",
        "optimizer.lr=0.001",
        "prune.share=0.7",
        "prune.over_epochs=2",
    ];
    let config =
        RunConfig::from_layers(None, &sets.map(String::from), &toml::Table::new()).expect("a configuration");
    let mut dataset = load(&Source::Sample).expect("the sample");
    for (images, count) in [(&mut dataset.train, 200), (&mut dataset.test, 50)] {
        images.pixels.truncate(count * images.image_bytes());
        images.labels.truncate(count);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let mut run = Run::create(gpu(), config, &dataset, &out).expect("it begins");
    let summary = run.train(&mut Silent, &AtomicBool::new(false)).expect("it ends");
    assert!(summary.best_epoch >= 2, "an epoch before the last pruning is no rival");
    for name in ["last", "best"] {
        let checkpoint =
            Checkpoint::read(&out.join(format!("checkpoints/{name}.safetensors"))).expect("whole");
        for parameter in &run.network().parameters {
            let values = &checkpoint.tensors[&parameter.name].1;
            let zeros = values.iter().filter(|&&v| v == 0.0).count();
            if parameter.role.is_kernel() {
                let expected = (0.7 * values.len() as f64).round() as usize;
                assert_eq!(zeros, expected, "{name}: {}", parameter.name);
            }
        }
    }
}
