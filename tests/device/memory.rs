//! How many bytes of buffers there are, and were.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use wgrad::gpu::{Gpu, Limits, Selection, adapters};
use wgrad::kernels::conv::Choices;
use wgrad::train::{DeviceImages, Observer, Run, StepReport, Trainer, step_settings};

use super::training::{config, few};
use crate::support::{Silent, gpu, open};

#[test]
fn live_bytes_follow_the_buffers_and_the_peak_stays() {
    let gpu = open(Limits::WebGpu);
    assert_eq!((gpu.live_bytes(), gpu.peak_bytes()), (0, 0));
    let kept = gpu.buffer("kept", 1000).expect("4,000 bytes");
    let passing = gpu.buffer("passing", 500).expect("2,000 bytes");
    let view = passing.view();
    drop(passing);
    assert_eq!(gpu.live_bytes(), 6000, "a view keeps its buffer");
    drop(view);
    assert_eq!((gpu.live_bytes(), gpu.peak_bytes()), (4000, 6000));
    let words: Vec<u32> = gpu.read(&kept.view()).expect("a readback");
    assert_eq!(words, [0; 1000]);
    assert_eq!(gpu.live_bytes(), 8000, "the readback's staging buffer is kept");
    drop(kept);
    assert_eq!((gpu.live_bytes(), gpu.peak_bytes()), (4000, 8000));
    assert_eq!(gpu.allocated(), (3, 10_000), "all that was ever made");
}

fn run_of(gpu: &Gpu, sets: &[&str], images: (usize, usize), out: &Path) -> wgrad::Result<u64> {
    let (config, dataset) = (config(sets), few(images.0, images.1));
    let mut run = Run::create(gpu, config, &dataset, out)?;
    let estimate = run.memory().total();
    run.train(&mut Silent, &AtomicBool::new(false))?;
    Ok(estimate)
}

/// The estimate is from above, and not far: it stands for small fixed buffers too, hence 1 MiB.
#[test]
fn the_estimate_is_near_what_is_taken() {
    let models: [&[&str]; 9] = [
        &["model=resnet20"],
        &["model=resnet8", "activation=prelu"],
        &["model=wrn_10_2", "regularize.drop=dropblock:rate=0.1,block=3"],
        &["model=resnet_v2_11"],
        &["model=resnet14", "option=b", "optimizer.kind=adam", "optimizer.average=0.9"],
        &["model=mlp_bn_3x64", "regularize.dropconnect=0.3"],
        &["model=mlp_bn_3x64", "data.resident=never"],
        &["model=resnet20", "recompute=always"],
        &["model=mlp_bn_3x64", "recompute=always"],
    ];
    for model in models {
        let gpu = open(Limits::Adapter);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sets = [model, &["batch=32", "eval_batch=20", "steps=2", "data.validation=0.2"]].concat();
        let estimate = run_of(&gpu, &sets, (80, 40), &folder.path().join("run")).expect("it trains") as f64;
        let taken = gpu.peak_bytes() as f64;
        let mib = (1 << 20) as f64;
        assert!(taken <= estimate + mib, "{model:?}: {taken} bytes, estimated {estimate}");
        assert!(estimate <= 1.35 * taken + mib, "{model:?}: {taken} bytes, estimated {estimate}");
    }
}

#[test]
fn a_run_over_the_limit_is_refused_with_what_fits() {
    let gpu = open(Limits::WebGpu);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let base = ["model=resnet8", "eval_batch=1", "steps=1", "data.validation=0.2"];
    let with = |sets: &[&str]| run_of(&gpu, &[&base[..], sets].concat(), (80, 10), &out);
    let text = with(&["batch=64", "memory_limit=12"]).expect_err("too large").to_string();
    let fits = text.split("a batch of ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a number");
    assert!(
        text.contains("batch 64 of resnet8 does not fit") && text.contains("memory_limit is 12 MiB"),
        "{text}"
    );
    assert_eq!((gpu.allocated(), out.exists()), ((0, 0), false), "nothing was begun");
    let fits: u32 = fits.parse().expect("a number");
    let more = format!("batch={}", fits + 1);
    assert!((1..64).contains(&fits) && with(&[&more, "memory_limit=12"]).is_err(), "{text}");
    let estimate = with(&[&format!("batch={fits}"), "memory_limit=12"]).expect("it fits");
    assert!(estimate <= 12 << 20);
    // A value larger than a binding: 32 x 32 x 16 f32 of 4,096 images are 256 MiB.
    let dataset = few(10, 10);
    let config = config(&["model=resnet8", "batch=4096", "eval_batch=4096", "data.split=none"]);
    let refused = Run::create(&gpu, config, &dataset, &folder.path().join("other")).err().expect("too large");
    assert!(refused.to_string().contains("one of its buffers has 256 MiB"), "{refused}");
}

#[test]
fn two_thousand_steps_allocate_nothing() {
    if !in_own_process("two_thousand_steps_allocate_nothing") {
        return;
    }
    struct Watch<'a> {
        gpu: &'a Gpu,
        buffers: Vec<(u64, u64)>,
        resident: Vec<u64>,
    }
    impl Observer for Watch<'_> {
        fn step(&mut self, _: &StepReport) {
            self.buffers.push(self.gpu.allocated());
            self.resident.push(resident());
        }
    }
    for resident in ["always", "never"] {
        let gpu = open(Limits::WebGpu);
        let (folder, dataset) = (tempfile::tempdir().expect("a temporary folder"), few(1000, 10));
        let config = config(&[
            "model=mlp_2x16",
            "batch=2",
            "epochs=5",
            "data.validation=0.2",
            "eval_batch=10",
            "augment.pad=0",
            &format!("data.resident={resident}"),
            "optimizer.lr=0.001",
        ]);
        let mut run =
            Run::create(&gpu, config, &dataset, &folder.path().join("run")).expect("the run starts");
        let mut watch = Watch { gpu: &gpu, buffers: Vec::new(), resident: Vec::new() };
        run.train(&mut watch, &AtomicBool::new(false)).expect("it ends");
        let Watch { buffers, resident, .. } = watch;
        assert_eq!(buffers.len(), 2000);
        assert!(buffers.iter().all(|allocated| *allocated == buffers[0]), "buffers grew");
        // Validation and the first checkpoints come before step 1,000. A page a step would be 4 MB.
        let grown = resident[1999].saturating_sub(resident[999]);
        assert!(grown < 4 << 20, "grown by {grown} bytes in 1,000 steps");
    }
}

/// Bytes of this process' memory that are in use.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4096
}

/// Other systems do not tell as easily.
#[cfg(not(target_os = "linux"))]
fn resident() -> u64 {
    0
}

/// Whether this is a process of the named test's own, in which no other test allocates; else that test is run in one.
fn in_own_process(test: &str) -> bool {
    const OWN: &str = "WGRAD_TEST_IN_ITS_OWN_PROCESS";
    if std::env::var_os(OWN).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("this program");
    let mut command = std::process::Command::new(program);
    command.args(["--exact", &format!("device::memory::{test}"), "--nocapture"]);
    let output = command.env(OWN, "1").output().expect("it starts");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

#[test]
fn fifty_trainers_leave_nothing_behind() {
    if !in_own_process("fifty_trainers_leave_nothing_behind") {
        return;
    }
    let gpu = open(Limits::Adapter);
    let (dataset, config) = (few(40, 10), config(&["model=resnet8", "batch=8", "data.split=none"]));
    let network = wgrad::train::build_network(&config, [32, 32, 3], 10).expect("a network");
    let all: Vec<u32> = (0..40).collect();
    let (mut live, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        let settings = step_settings(&config, &dataset.train, &all, Choices::of_device(&gpu));
        let data = DeviceImages::upload(&gpu, &dataset.train).expect("room");
        let mut trainer = Trainer::new(&gpu, &network, &data, 40, settings).expect("a trainer");
        trainer.weights.initialize(&gpu, &network, 1).expect("weights");
        trainer.begin_epoch(0, &all, &[0.1; 5], 0, 0).expect("an epoch");
        trainer.step(0).expect("a step");
        trainer.finish().expect("its end");
        drop((trainer, data));
        live.push(gpu.live_bytes());
        memory.push(resident());
    }
    assert!(live.iter().all(|bytes| *bytes == live[0]), "{live:?}");
    // The first ones warm up allocators and caches. A trainer has about 20 MiB: one that is kept each time would show at once.
    let grown = memory[49].saturating_sub(memory[9]);
    assert!(grown < 20 << 20, "grown by {grown} bytes in 40 cycles: {memory:?}");
}

#[test]
fn vulkan_drivers_say_how_much_memory_there_is() {
    let rows = adapters(&Selection::default()).expect("adapters");
    let used = rows.iter().find(|row| row.default).expect("one that is used");
    let memory = gpu().adapter_memory();
    assert_eq!(memory.map(|memory| memory.total), used.memory.map(|memory| memory.total));
    assert_eq!(memory.is_some(), used.backend == "vulkan");
    for memory in rows.iter().filter_map(|row| row.memory) {
        assert!(memory.total >= 64 << 20, "{memory:?}");
        assert!((1..=memory.total).contains(&memory.offered()), "{memory:?}");
    }
}
