//! `tests/golden/optimizers.json`: ten steps of every optimizer by PyTorch and Keras.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use wgrad::config::RunConfig;

/// The file.
#[derive(Deserialize)]
pub struct Golden {
    /// Where all begin.
    pub weight: Vec<f64>,
    /// Gradient of each step.
    pub gradient: Vec<Vec<f64>>,
    /// Learning rate of each step.
    pub lr: Vec<f64>,
    /// Weights after some of the steps.
    pub after: BTreeMap<String, BTreeMap<usize, Vec<f64>>>,
}

impl Golden {
    pub fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/optimizers.json");
        let text = std::fs::read_to_string(&path).expect("the goldens are there");
        serde_json::from_str(&text).expect("the goldens are whole")
    }
}

/// The settings of `[optimizer]` that stand for each row.
pub const ROWS: &[(&str, &[&str])] = &[
    ("torch.sgd", &["kind=sgd", "weight_decay=0.01"]),
    ("torch.sgd_nesterov", &["kind=sgd", "weight_decay=0.01", "nesterov=true"]),
    ("torch.sgd_clip_norm", &["kind=sgd", "weight_decay=0.01", "clip_norm=2"]),
    ("torch.sgd_clip_value", &["kind=sgd", "weight_decay=0.01", "clip_value=0.25"]),
    ("torch.adam", &["kind=adam", "weight_decay=0.01"]),
    ("torch.adamw", &["kind=adamw", "weight_decay=0.01"]),
    ("torch.nadam", &["kind=nadam", "weight_decay=0"]),
    ("torch.rmsprop", &["kind=rmsprop", "weight_decay=0.01"]),
    ("keras.adam", &["kind=adam", "weight_decay=0", "eps=1e-7", "eps_hat=true"]),
    ("keras.nadam", &["kind=nadam", "weight_decay=0", "eps=1e-7", "psi=1"]),
    ("keras_legacy.nadam", &["kind=nadam", "weight_decay=0", "eps=1e-7"]),
];

pub fn config(settings: &[&str]) -> RunConfig {
    let sets: Vec<String> = settings.iter().map(|set| format!("optimizer.{set}")).collect();
    RunConfig::from_layers(None, &sets, &toml::Table::new()).expect("a good configuration")
}
