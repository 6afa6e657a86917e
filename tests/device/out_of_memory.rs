//! A driver that has no more memory, although the estimate let a run pass.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use wgrad::gpu::{Gpu, Limits};
use wgrad::train::{Run, Summary};
use wgrad::{Error, Result};

use super::training::{config, few};
use crate::support::{Silent, open};

const SETS: [&str; 3] = ["model=resnet8", "eval_batch=1", "data.validation=0.2"];

/// A run of 80 images from its beginning, or from its last checkpoint with other settings.
fn trained(gpu: &Gpu, out: &Path, sets: &[&str]) -> Result<Summary> {
    let (config, dataset) = (config(&[&SETS[..], sets].concat()), few(80, 10));
    let mut run = match out.join("config.toml").exists() {
        true => Run::resume_changed(gpu, out, config, &dataset)?,
        false => Run::create(gpu, config, &dataset, out)?,
    };
    run.train(&mut Silent, &AtomicBool::new(false))
}

/// The batch that an error says would fit.
fn advised(error: &Error) -> usize {
    let text = error.to_string();
    let number = text.split("a batch of ").nth(1).and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no batch in {text:?}"))
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != ".lock") {
            found.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
    found.sort();
    found
}

#[test]
fn a_buffer_that_is_refused_is_named_and_the_device_goes_on() {
    let gpu = open(Limits::WebGpu);
    let kept = gpu.upload("kept", &[7u32; 1000]).expect("4,000 bytes");
    gpu.cap_memory(Some(1 << 20));
    let error = gpu.buffer("large", 1 << 20).expect_err("4 MiB");
    assert!(matches!(&error, Error::Memory { given: 4000, .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("buffer large of 4 MiB") && text.contains(gpu.name()), "{text}");
    assert_eq!((error.exit_code(), gpu.live_bytes()), (1, 4000));
    assert_eq!(gpu.read::<u32>(&kept.view()).expect("a readback"), [7; 1000]);
    gpu.cap_memory(None);
    gpu.buffer("large", 1 << 20).expect("the driver has more");
}

#[test]
fn a_new_run_that_finds_no_memory_leaves_nothing() {
    let gpu = open(Limits::WebGpu);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    // As many steps as there are places where memory is asked for.
    for most in [1 << 16, 1 << 20, 4 << 20, 7 << 20, 10 << 20] {
        gpu.cap_memory(Some(most));
        let error = trained(&gpu, &out, &["batch=64", "steps=1"]).expect_err("no memory");
        let text = error.to_string();
        assert!(text.contains("batch 64 of resnet8 does not fit") && text.contains("had none for"), "{text}");
        assert_eq!((error.exit_code(), out.exists(), gpu.live_bytes()), (1, false, 0), "{most}: {text}");
        // A folder of the user's keeps what was in it.
        std::fs::create_dir(&out).expect("a folder");
        std::fs::write(out.join("notes"), "mine").expect("a file");
        trained(&gpu, &out, &["batch=64", "steps=1"]).expect_err("no memory");
        assert_eq!(files(&out), [(out.join("notes").display().to_string(), b"mine".to_vec())]);
        std::fs::remove_dir_all(&out).expect("it can be removed");
    }
    let error = trained(&gpu, &out, &["batch=64", "steps=1"]).expect_err("no memory");
    let batch = format!("batch={}", advised(&error));
    trained(&gpu, &out, &[&batch, "steps=1"]).expect("what would fit fits");
    gpu.check_fault().expect("the device is as it was");
}

#[test]
fn a_run_that_goes_on_without_memory_keeps_its_checkpoint() {
    let gpu = open(Limits::WebGpu);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    trained(&gpu, &out, &["batch=8", "epochs=1"]).expect("it trains");
    let before = files(&out);
    gpu.cap_memory(Some(8 << 20));
    let error = trained(&gpu, &out, &["batch=64", "epochs=2"]).expect_err("no memory");
    let text = error.to_string();
    assert!(text.contains("last.safetensors is as it was"), "{text}");
    assert_eq!(files(&out), before);
    let batch = format!("batch={}", advised(&error));
    let summary = trained(&gpu, &out, &[&batch, "epochs=2"]).expect("it goes on");
    assert_eq!(summary.epochs, 2);
}
