//! Training as a whole: it learns, stops and goes on to the same bits, and allocates nothing on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use wgrad::config::RunConfig;
use wgrad::data::{Dataset, Images, Source, load};
use wgrad::gpu::{Gpu, Limits};
use wgrad::train::{Checkpoint, Observer, Run, StepReport, Summary, metrics};

use crate::support::{gpu, open};

/// The first images of the bundled sample; its classes take turns.
pub fn few(train: usize, test: usize) -> Dataset {
    let mut all = load(&Source::Sample).expect("the sample is whole");
    let cut = |images: &mut Images, count: usize| {
        images.pixels.truncate(count * images.image_bytes());
        images.labels.truncate(count);
    };
    cut(&mut all.train, train);
    cut(&mut all.test, test);
    all
}

pub fn config(sets: &[&str]) -> RunConfig {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    RunConfig::from_layers(None, &sets, &toml::Table::new()).expect("a good configuration")
}

/// Sets the flag after so many steps of the run.
struct StopAfter<'a> {
    steps: u32,
    stop: &'a AtomicBool,
}

impl Observer for StopAfter<'_> {
    fn step(&mut self, report: &StepReport) {
        if report.step == self.steps {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Trains from scratch or goes on; `steps` of 0 is to the end.
pub fn train(config: &RunConfig, dataset: &Dataset, out: &Path, steps: u32) -> Option<Summary> {
    let stop = AtomicBool::new(false);
    let mut observer = StopAfter { steps, stop: &stop };
    let mut run = if out.join("config.toml").exists() {
        Run::resume(gpu(), out, config.clone(), dataset).expect("the run goes on")
    } else {
        Run::create(gpu(), config.clone(), dataset, out).expect("the run starts")
    };
    let done = run.train(&mut observer, &stop);
    match done {
        Ok(summary) => Some(summary),
        Err(wgrad::Error::Interrupted(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

pub fn tensors(path: &Path) -> BTreeMap<String, Vec<u32>> {
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    let checkpoint = Checkpoint::read(path).expect("a whole checkpoint");
    checkpoint.tensors.into_iter().map(|(name, (_, values))| (name, bits(values))).collect()
}

/// What a run must go on with to the same bits: noise, every optimizer, clipping and averages.
const SETTINGS: &[&[&str]] = &[
    &["activation=dropact"],
    &["activation=rrelu"],
    &["optimizer.nesterov=true", "optimizer.clip_norm=1", "optimizer.l1=1e-5"],
    &["optimizer.kind=adam", "optimizer.lr=1e-3", "optimizer.eps_hat=true", "optimizer.average=0.9"],
    &["optimizer.kind=adamw", "optimizer.lr=1e-3", "optimizer.weight_decay=0.05", "optimizer.clip_value=0.1"],
    &["optimizer.kind=nadam", "optimizer.lr=1e-3", "optimizer.steps_before=100"],
    &["optimizer.kind=rmsprop", "optimizer.lr=1e-4", "optimizer.average=0.99"],
    &["prune.share=0.6", "prune.from_epoch=1", "prune.over_epochs=2", "optimizer.average=0.9"],
    &["augment.mixup=0.3", "augment.alternate=true", "augment.cutout=8", "augment.normalization=per_pixel"],
    &["augment.shift=fraction", "augment.fill=edge", "augment.normalize_first=true", "schedule.kind=plateau"],
];

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() {
    let dataset = few(60, 20);
    let base = ["model=resnet8", "batch=16", "eval_batch=20", "epochs=3", "data.validation=0.2"];
    for sets in SETTINGS {
        let config = config(&[&base[..], sets].concat());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
        let expected = train(&config, &dataset, &whole, 0).expect("it ends");
        assert!(train(&config, &dataset, &broken, 4).is_none(), "48 images are 3 steps: stopped in epoch 2");
        assert!(train(&config, &dataset, &broken, 6).is_none(), "stopped at the end of epoch 2");
        assert!(train(&config, &dataset, &broken, 9).is_none(), "stopped at the last step of all");
        let got = train(&config, &dataset, &broken, 0).expect("it ends");
        for file in ["checkpoints/last.safetensors", "checkpoints/best.safetensors"] {
            let (a, b) = (tensors(&whole.join(file)), tensors(&broken.join(file)));
            assert_eq!(a.len(), b.len());
            for (name, bits) in &a {
                assert_eq!(bits, &b[name], "{sets:?}: {file}: {name}");
            }
        }
        assert_eq!((expected.test_accuracy, expected.test_loss), (got.test_accuracy, got.test_loss));
        let line = |m: &metrics::EpochMetrics| {
            (m.epoch, m.step, m.lr, m.train_loss, m.train_accuracy, m.val_loss, m.val_accuracy)
        };
        let lines = |out: &Path| -> Vec<_> {
            metrics::read(&out.join("metrics.jsonl")).expect("metrics").iter().map(line).collect()
        };
        assert_eq!(lines(&whole), lines(&broken), "{sets:?}");
    }
}

/// A rate too small to change any answer: the run ends when patience does, and the best epoch is the first.
#[test]
fn a_run_without_progress_ends_early() {
    let config = config(&[
        "model=resnet8",
        "batch=16",
        "eval_batch=20",
        "epochs=9",
        "optimizer.lr=1e-9",
        "optimizer.weight_decay=0",
        "batchnorm.momentum=1e-9",
        "monitor=val_accuracy",
        "early_stopping.patience=2",
    ]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let summary = train(&config, &few(60, 20), &folder.path().join("run"), 0).expect("it ends");
    assert_eq!((summary.epochs, summary.best_epoch), (3, 1));
    assert_eq!(summary.last_test_accuracy, Some(summary.test_accuracy));
}

#[test]
fn learns_a_batch_by_heart() {
    let dataset = few(80, 10);
    // 64 images to train on, one of each class and six more to validate.
    let config = config(&[
        "model=resnet8",
        "activation=dropact",
        "batch=64",
        "epochs=120",
        "data.split=head",
        "data.train_count=64",
        "augment.pad=0",
        "augment.flip=false",
        "optimizer.lr=0.1",
        "optimizer.weight_decay=0",
        "schedule.kind=constant",
    ]);
    struct Watch<'a>(&'a AtomicBool, f64);
    impl Observer for Watch<'_> {
        fn epoch(&mut self, metrics: &metrics::EpochMetrics) {
            self.1 = metrics.train_accuracy;
            if metrics.train_accuracy >= 1.0 {
                self.0.store(true, Ordering::Relaxed);
            }
        }
    }
    let stop = AtomicBool::new(false);
    let mut watch = Watch(&stop, 0.0);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let mut run = Run::create(gpu(), config, &dataset, &out).expect("the run starts");
    let _ = run.train(&mut watch, &stop);
    assert!(watch.1 >= 1.0, "only {:.3} right after 120 steps", watch.1);
}

#[test]
fn nothing_is_allocated_after_the_first_step() {
    let gpu = open(Limits::Adapter);
    let dataset = few(50, 10);
    let config = config(&["model=resnet8", "batch=16", "epochs=3", "data.validation=0.2", "eval_batch=10"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    struct Watch<'a>(&'a Gpu, Vec<(u64, u64)>);
    impl Observer for Watch<'_> {
        fn step(&mut self, _: &StepReport) {
            self.1.push(self.0.allocated());
        }
        fn epoch(&mut self, _: &metrics::EpochMetrics) {
            self.1.push(self.0.allocated());
        }
    }
    let mut watch = Watch(&gpu, Vec::new());
    let mut run = Run::create(&gpu, config, &dataset, &folder.path().join("run")).expect("the run starts");
    run.train(&mut watch, &AtomicBool::new(false)).expect("it ends");
    assert_eq!(watch.1.len(), 12, "three epochs of three steps");
    assert!(watch.1.iter().all(|allocated| *allocated == watch.1[0]), "{:?}", watch.1);
}

/// The losses of the steps of a small run; an epoch is a step.
fn losses(gpu: &Gpu, dataset: &Dataset, precision: &str, seed: u32) -> wgrad::Result<Vec<f64>> {
    struct Watch(Vec<f64>);
    impl Observer for Watch {
        fn epoch(&mut self, metrics: &metrics::EpochMetrics) {
            self.0.push(metrics.train_loss);
        }
    }
    let (precision, seed) = (format!("precision={precision}"), format!("seed={seed}"));
    let config = config(&[
        &precision,
        &seed,
        "model=resnet8",
        "batch=32",
        "epochs=12",
        "data.split=head",
        "data.train_count=32",
        "eval_batch=10",
        "optimizer.lr=0.05",
        "schedule.kind=constant",
    ]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let run = Run::create(gpu, config, dataset, &out);
    assert_eq!(run.is_ok(), out.exists(), "a run that cannot begin leaves no folder");
    let mut watch = Watch(Vec::new());
    run?.train(&mut watch, &AtomicBool::new(false))?;
    Ok(watch.0)
}

/// Where the adapter has cooperative matrices, the curve of mixed precision lies over that of f32: nearer by far than that of
/// another seed. Where it has none, the error says so.
#[test]
fn mixed_precision_learns_as_f32_does_or_says_what_is_missing() {
    let gpu = gpu();
    let dataset = few(42, 10);
    let mixed = losses(gpu, &dataset, "mixed", 0);
    if let Err(reason) = gpu.cooperative_side() {
        let got = mixed.expect_err("there are no cooperative matrices").to_string();
        assert_eq!(got, reason.to_string());
        for part in [gpu.name(), "precision mixed", "use precision f32"] {
            assert!(got.contains(part), "{got}: {part:?} is missing");
        }
        return;
    }
    let mixed = mixed.expect("it trains");
    let [own, other] = [0, 1].map(|seed| losses(gpu, &dataset, "f32", seed).expect("it trains"));
    let distance = |a: &[f64]| a.iter().zip(&own).map(|(a, b)| (a - b).abs()).sum::<f64>();
    assert_eq!(mixed.len(), 12);
    assert!(mixed != own, "mixed precision computes in f32");
    assert!(
        distance(&mixed) < 0.25 * distance(&other),
        "mixed {mixed:?}, f32 {own:?}, another seed {other:?}"
    );
    assert!(mixed[11] < 0.7 * mixed[0], "it learns: {mixed:?}");
}
