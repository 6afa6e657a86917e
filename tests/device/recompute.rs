//! Values that the backward pass computes again take less memory and change no bit.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use wgrad::config::{Recompute, RunConfig};
use wgrad::data::Dataset;
use wgrad::gpu::Limits;
use wgrad::train::{MemoryEstimate, Run};

use super::training::{config, few, tensors, train};
use crate::support::{Silent, open};

fn with(config: &RunConfig, recompute: Recompute) -> RunConfig {
    RunConfig { recompute, ..config.clone() }
}

/// The estimate, and the bytes that were taken.
fn memory_of(config: RunConfig, dataset: &Dataset, out: &Path) -> (MemoryEstimate, u64) {
    let gpu = open(Limits::Adapter);
    let mut run = Run::create(&gpu, config, dataset, out).expect("it starts");
    let estimate = run.memory();
    run.train(&mut Silent, &AtomicBool::new(false)).expect("it trains");
    (estimate, gpu.peak_bytes())
}

#[test]
fn recomputed_runs_have_the_bits_of_those_that_keep_all() {
    let dataset = few(40, 10);
    for sets in [
        &["model=resnet8", "activation=dropact"][..],
        &["model=resnet8", "option=b", "activation=rrelu", "regularize.drop=dropblock:rate=0.1,block=3"],
        &["model=resnet_v2_11", "activation=elu"],
        &["model=mlp_bn_3x16", "activation=probact:sigma=0.25"],
    ] {
        let config = config(&[sets, &["batch=16", "epochs=1", "augment.pad=2"]].concat());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = |name: &str| folder.path().join(name);
        train(&with(&config, Recompute::Never), &dataset, &out("kept"), 0).expect("it ends");
        train(&with(&config, Recompute::Always), &dataset, &out("again"), 0).expect("it ends");
        let [kept, again] =
            ["kept", "again"].map(|name| tensors(&out(name).join("checkpoints/last.safetensors")));
        assert!(!kept.is_empty() && kept == again, "{sets:?}");
    }
}

#[test]
fn what_would_not_fit_is_computed_again_of_itself() {
    let (dataset, folder) = (few(80, 10), tempfile::tempdir().expect("a temporary folder"));
    let base = ["model=resnet14", "batch=32", "eval_batch=10", "steps=2", "data.resident=always"];
    let config = config(&base);
    let run = |name: &str, config| memory_of(config, &dataset, &folder.path().join(name));
    let (kept, most) = run("kept", with(&config, Recompute::Auto));
    assert!(!kept.recomputed);
    let (again, least) = run("again", with(&config, Recompute::Always));
    // Of 14 layers six lie inside of blocks and give 2, 2, 1, 1, 1/2 and 1/2 MiB; one of each size stays.
    let spared = (7 << 20) - (7 << 19);
    assert_eq!(kept.total() - again.total(), spared);
    // Six dispatches more have parameters of their own.
    assert!((spared - 6 * 512..=spared).contains(&(most - least)), "{most} and {least} bytes");
    let limit = (again.total() >> 20) as u32 + 1;
    let limited = RunConfig { memory_limit: Some(limit), ..config };
    let (estimate, taken) = run("limited", limited);
    assert!(estimate.recomputed && estimate == again && taken == least);
}
