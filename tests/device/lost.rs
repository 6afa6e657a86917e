//! A device that is lost in the middle of a run, batches that no device holds, and replays that would take too long.

use std::sync::atomic::AtomicBool;

use wgrad::gpu::{Gpu, Limits, Recorder};
use wgrad::kernels::ceiling;
use wgrad::train::{Observer, Run, StepReport};

use super::training::{config, few};
use crate::support::{Silent, open};

/// Destroys the device after a step of this epoch.
struct Destroyer<'a> {
    gpu: &'a Gpu,
    epoch: u32,
}

impl Observer for Destroyer<'_> {
    fn step(&mut self, report: &StepReport) {
        if report.epoch == self.epoch {
            self.gpu.destroy();
        }
    }
}

#[test]
fn a_lost_device_leaves_the_last_checkpoint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let (config, dataset) =
        (config(&["model=resnet8", "batch=16", "eval_batch=20", "epochs=3"]), few(60, 20));
    {
        let gpu = open(Limits::WebGpu);
        let mut run = Run::create(&gpu, config.clone(), &dataset, &out).expect("a run");
        let mut destroyer = Destroyer { gpu: &gpu, epoch: 2 };
        let error = run.train(&mut destroyer, &AtomicBool::new(false)).expect_err("the device is gone");
        let text = error.to_string();
        for word in [gpu.name(), "lost", "checkpoint", "--resume"] {
            assert!(text.contains(word), "expected {word:?} in {text:?}");
        }
        assert_eq!(error.exit_code(), 1);
    }
    let gpu = open(Limits::WebGpu);
    let mut run = Run::resume(&gpu, &out, config, &dataset).expect("the first epoch's checkpoint is usable");
    let summary = run.train(&mut Silent, &AtomicBool::new(false)).expect("it goes on");
    assert_eq!(summary.epochs, 3);
}

#[test]
fn a_device_that_is_lost_before_the_first_step_leaves_no_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let (config, dataset) = (config(&["model=resnet8", "batch=16", "eval_batch=20"]), few(60, 20));
    let gpu = open(Limits::WebGpu);
    let mut run = Run::create(&gpu, config, &dataset, &out).expect("a run");
    assert!(out.exists());
    gpu.destroy();
    let error = run.train(&mut Silent, &AtomicBool::new(false)).expect_err("the device is gone");
    let text = error.to_string();
    assert!(text.contains("lost") && text.contains(gpu.name()) && !text.contains("--resume"), "{text}");
    assert_eq!((error.exit_code(), out.exists()), (1, false), "{text}");
}

/// A plan that takes long is submitted in parts, one that is quick at once, with the same results.
#[test]
fn long_replays_are_submitted_in_parts() {
    let gpu = open(Limits::WebGpu);
    let y = gpu.buffer("y", 4 << 12).expect("a buffer").view();
    let plan = |rounds: u32, dispatches: usize| {
        let mut recorder = Recorder::new();
        (0..dispatches).for_each(|_| recorder.push(ceiling::fma(rounds, 0.999, 0.001, &y)));
        recorder.finish(&gpu).expect("a plan")
    };
    let quick = plan(1, 20);
    let mut results = Vec::new();
    for replay in 0..4 {
        assert_eq!(quick.submissions(), (replay > 1).then_some(1), "replay {replay}");
        quick.run(&gpu).expect("a replay");
        results.push(gpu.read::<u32>(&y).expect("a readback"));
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    // As many rounds as make a replay of at least two seconds.
    let mut rounds = 64;
    while {
        let probe = plan(rounds, 1);
        probe.run(&gpu).expect("a replay");
        let started = std::time::Instant::now();
        probe.run(&gpu).expect("a replay");
        started.elapsed().as_secs_f64() < 0.2
    } {
        rounds *= 2;
    }
    let long = plan(rounds, 10);
    (0..2).for_each(|_| long.run(&gpu).expect("a replay"));
    let submissions = long.submissions().expect("the second replay was timed");
    assert!((3..=10).contains(&submissions), "{submissions} submissions");
    long.run(&gpu).expect("a replay in parts");
    // So are replays that are timed.
    assert_eq!(long.time(&gpu).is_ok(), gpu.has_timestamps());
    assert_eq!(long.time_dispatches(&gpu, gpu.clock()).expect("spans").len(), 10);
}
