//! Every activation of the table trains.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use wgrad::config::RunConfig;
use wgrad::data::Dataset;
use wgrad::kernels::ACTIVATIONS;
use wgrad::train::{Run, Summary, metrics};

use crate::support::{Silent, gpu};

/// The first block of a ResNet: every kernel that has an activation in it, for one size, since drivers that run on the CPU take
/// longest to compile. The projection takes what activations leave that change the number of channels.
const MODEL: &str = r#"
layers = [
    { conv = 16 },
    { batchnorm = "activation" },
    { residual = [
        { conv = 16 },
        { batchnorm = "activation" },
        { conv = 16 },
        { batchnorm = "none" },
    ], shortcut = "projection" },
    { pool = "average" },
    { classifier = true },
]
"#;

/// A few steps (`scripts/every_activation.sh` does twenty of a ResNet-20) on images of the bundled sample: losses and weights
/// stay numbers. Gradient acceleration doubles the gradient at every site, so that plain SGD needs a rate that is smaller by
/// orders of magnitude.
#[test]
fn every_activation_stays_finite_in_training() {
    let dataset = super::training::few(50, 10);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for row in ACTIVATIONS {
        let rate = if row.name.starts_with("gaaf") { "1e-7" } else { "0.01" };
        let out = folder.path().join(row.name);
        let summary = train_briefly(&dataset, row.name, rate, &out);
        assert!(summary.test_loss.is_finite(), "{}: test loss {}", row.name, summary.test_loss);
        let losses = metrics::read(&out.join("metrics.jsonl")).expect("metrics");
        assert!(!losses.is_empty() && losses.iter().all(|m| m.train_loss.is_finite()), "{}", row.name);
    }
}

/// Four steps of [`MODEL`].
pub fn train_briefly(dataset: &Dataset, spec: &str, rate: &str, out: &Path) -> Summary {
    let model = out.with_extension("toml");
    std::fs::write(&model, MODEL).expect("a model file");
    let own =
        [("model", model.display().to_string()), ("activation", spec.into()), ("optimizer.lr", rate.into())];
    let sets: Vec<String> = ["batch=4", "steps=4", "epochs=1"].map(str::to_owned).into();
    let sets = [sets, own.map(|(key, value)| format!("{key}={value}")).into()].concat();
    let config = RunConfig::from_layers(None, &sets, &toml::Table::new()).expect("a good configuration");
    let mut run = Run::create(gpu(), config, dataset, out).expect("the run starts");
    run.train(&mut Silent, &AtomicBool::new(false)).expect("it trains")
}
