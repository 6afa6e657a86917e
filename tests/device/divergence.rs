//! Losses that are no longer finite: found, explained, and undone where that is asked for.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use wgrad::config::RunConfig;
use wgrad::train::{Checkpoint, EpochMetrics, Observer, Progress, Run, metrics};

use super::training::{config, few};
use crate::support::gpu;

struct Silent;
impl Observer for Silent {
    fn epoch(&mut self, _: &EpochMetrics) {}
}

fn train(config: &RunConfig, out: &Path) -> wgrad::Result<()> {
    let dataset = few(60, 20);
    let mut run = Run::create(gpu(), config.clone(), &dataset, out).expect("the run starts");
    run.train(&mut Silent, &AtomicBool::new(false)).map(drop)
}

/// Without momentum and with a decay of 1 a step multiplies each weight by 1 - lr, besides its gradient.
fn growing(lr: &str, on_nan: &str) -> RunConfig {
    let (lr, on_nan) = (format!("optimizer.lr={lr}"), format!("on_nan={on_nan}"));
    config(&[
        &lr,
        &on_nan,
        "model=resnet8",
        "batch=16",
        "eval_batch=20",
        "epochs=8",
        "data.validation=0.2",
        "optimizer.momentum=0",
        "optimizer.weight_decay=1",
        "schedule.kind=constant",
    ])
}

fn last(out: &Path) -> (Checkpoint, Progress) {
    let checkpoint = Checkpoint::read(&out.join("checkpoints/last.safetensors")).expect("a checkpoint");
    let progress = checkpoint.progress.clone().expect("progress");
    (checkpoint, progress)
}

/// The words between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("{before:?} is missing in {text:?}"));
    rest.split(after).next().unwrap_or(rest)
}

#[test]
fn a_run_that_diverges_stops_and_says_where() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let text = train(&growing("100", "stop"), &out).expect_err("it diverges").to_string();
    for word in
        ["training diverged", "at a learning rate of 100", "schedule.warmup_epochs", "wgrad train --resume"]
    {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
    let step: u32 = between(&text, "the loss of step ", " ").parse().expect("a number");
    let good: u32 = between(&text, "the checkpoint of step ", " ").parse().expect("a number");
    assert!(good < step && step <= 24, "{text}");
    let names = &last(&out).0.tensors;
    let layer =
        text.split(' ').map(|word| word.trim_end_matches([';', ','])).find(|word| names.contains_key(*word));
    assert!(layer.is_some(), "a layer is named: {text}");
    let (checkpoint, progress) = last(&out);
    assert_eq!((checkpoint.not_finite(), progress.step), (None, good), "the last good state is kept");
    assert!(metrics::read(&out.join("metrics.jsonl")).expect("metrics").iter().all(|m| m.train_loss < 1e4));
}

#[test]
fn a_run_returns_with_half_the_rate_until_it_holds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    // Weights grow threefold in each step at 4, and not at 1.
    train(&growing("4", "rollback"), &out).expect("it comes to its end");
    let (checkpoint, progress) = last(&out);
    assert_eq!((progress.epoch, checkpoint.not_finite()), (8, None));
    assert!((1..=5).contains(&progress.rollbacks), "{progress:?}");
    assert_eq!(progress.lr_factor, 0.5f64.powi(progress.rollbacks as i32));
    let rows = metrics::read(&out.join("metrics.jsonl")).expect("metrics");
    assert_eq!(rows.iter().map(|row| row.epoch).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(rows[7].lr, 4.0 * progress.lr_factor, "the log has the rate that was used");
}

#[test]
fn returns_are_bounded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let text = train(&growing("100", "rollback"), &out).expect_err("100/32 is too much too").to_string();
    assert!(text.contains("after 5 returns to a checkpoint"), "{text}");
    assert_eq!((last(&out).1.rollbacks, last(&out).1.lr_factor), (5, 1.0 / 32.0));
}

#[test]
fn weights_that_are_not_finite_are_no_beginning() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (out, file) = (folder.path().join("run"), folder.path().join("init.safetensors"));
    train(&growing("0.1", "stop"), &out).expect("a run");
    let (mut checkpoint, _) = last(&out);
    checkpoint.tensors.get_mut("bn1.weight").expect("it is there").1[3] = f32::NAN;
    checkpoint.write(&file).expect("it is written");
    let config = growing("0.1", "stop").with(&[format!("init={}", file.display())], &toml::Table::new());
    let dataset = few(60, 20);
    let begun = Run::create(gpu(), config.expect("a configuration"), &dataset, &folder.path().join("next"));
    let text = begun.err().expect("it is refused").to_string();
    assert!(text.contains("bn1.weight") && text.contains("not finite"), "{text}");
}
