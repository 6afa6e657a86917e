//! A run goes on with what it was written with; anything else is named, refused where it would corrupt, taken where it is only
//! a change and that is said.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use wgrad::config::RunConfig;
use wgrad::data::Dataset;
use wgrad::train::{Checkpoint, Progress, Run, RunFolder};

use super::training::{config, few, train};
use crate::support::{Silent, gpu};

const BASE: [&str; 6] = [
    "model=resnet8",
    "batch=16",
    "eval_batch=20",
    "epochs=2",
    "data.validation=0.2",
    "schedule.kind=constant",
];

/// A run of 48 training images that was stopped after so many steps, of three an epoch; 0 lets it come to its end.
fn stopped(after: u32) -> (tempfile::TempDir, PathBuf, Dataset, RunConfig) {
    let (folder, dataset, config) = (tempfile::tempdir().expect("a folder"), few(60, 20), config(&BASE));
    let out = folder.path().join("run");
    assert_eq!(train(&config, &dataset, &out, after).is_none(), after > 0);
    (folder, out, dataset, config)
}

fn resume(out: &Path, config: &RunConfig, dataset: &Dataset, force: bool) -> wgrad::Result<()> {
    let run = if force { Run::resume_changed } else { Run::resume };
    run(gpu(), out, config.clone(), dataset)?.train(&mut Silent, &AtomicBool::new(false)).map(drop)
}

#[track_caller]
fn assert_refused(result: wgrad::Result<()>, words: &[&str]) {
    let text = result.expect_err("it must be refused").to_string();
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
}

fn with(config: &RunConfig, set: &str) -> RunConfig {
    config.with(&[set.to_owned()], &toml::Table::new()).expect("a good configuration")
}

#[test]
fn settings_that_change_the_run_need_force() {
    let (_folder, out, dataset, config) = stopped(2);
    let changed = with(&with(&config, "epochs=3"), "optimizer.lr=0.01");
    let words = ["config.toml", "epochs was 2, is 3", "optimizer.lr was 0.1, is 0.01", "--force"];
    assert_refused(resume(&out, &changed, &dataset, false), &words);
    resume(&out, &changed, &dataset, true).expect("it goes on");
    assert_eq!(
        RunFolder::open(&out).expect("a run").1,
        changed,
        "the folder holds what the run went on with"
    );
    resume(&out, &changed, &dataset, false).expect("from then on that is the run");
}

#[test]
fn settings_that_corrupt_are_refused_with_force_too() {
    let (_folder, out, dataset, config) = stopped(2);
    for (set, words) in [
        ("model=resnet14", "model was \"resnet8\", is \"resnet14\""),
        ("width=2", "width was 1, is 2"),
        ("seed=7", "seed was 0, is 7"),
        ("data.validation=0.5", "data.validation was 0.2, is 0.5"),
        ("batch=8", "batch was 16, is 8"),
    ] {
        for force in [false, true] {
            let refused = resume(&out, &with(&config, set), &dataset, force);
            assert_refused(refused, &["config.toml", "cannot go on", words]);
        }
    }
    assert_refused(resume(&out, &config, &few(70, 20), true), &["another data set"]);
    // Between two epochs another batch is only a change.
    let (_folder, out, dataset, config) = stopped(0);
    let changed = with(&with(&config, "batch=8"), "epochs=3");
    assert_refused(resume(&out, &changed, &dataset, false), &["batch was 16", "--force"]);
}

#[test]
fn settings_without_effect_are_no_matter() {
    let (_folder, out, dataset, config) = stopped(2);
    let other = with(&with(&config, "eval_batch=7"), "checkpoint.steps=1");
    resume(&out, &with(&other, "on_nan=rollback"), &dataset, false).expect("it goes on");
}

fn edit(out: &Path, change: impl Fn(&mut Progress)) {
    let path = out.join("checkpoints/last.safetensors");
    let mut checkpoint = Checkpoint::read(&path).expect("a checkpoint");
    change(checkpoint.progress.as_mut().expect("progress"));
    checkpoint.write(&path).expect("it is written");
}

#[test]
fn another_device_or_version_is_told() {
    let (_folder, out, dataset, config) = stopped(2);
    edit(&out, |progress| {
        progress.device = "Voodoo 2".into();
        progress.version = "0.0.1".into();
    });
    let now = gpu().description();
    let words = ["wgrad was 0.0.1, is", "the device was Voodoo 2, is", &now, "--force"];
    assert_refused(resume(&out, &config, &dataset, false), &words);
    resume(&out, &config, &dataset, true).expect("it goes on");
}

/// A version that knows more keys reads what an older one wrote.
#[test]
fn keys_that_came_later_had_their_defaults() {
    let (_folder, out, dataset, config) = stopped(2);
    edit(&out, |progress| {
        let mut table: toml::Table = progress.config.parse().expect("TOML");
        assert!(table.remove("checkpoint").is_some() && table.remove("on_nan").is_some());
        progress.config = table.to_string();
    });
    resume(&out, &config, &dataset, false).expect("it goes on");
}
