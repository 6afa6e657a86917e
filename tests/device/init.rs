//! Weights from elsewhere: a run begins with exactly them, and `eval` takes the file as it takes the run.

use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use wgrad::train::Checkpoint;

fn wgrad(args: &[&str]) -> Value {
    let output =
        Command::cargo_bin("wgrad").expect("the program is built").args(args).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or(Value::Null)
}

/// Bits of the network's own tensors.
fn weights(path: &Path) -> BTreeMap<String, Vec<u32>> {
    let checkpoint = Checkpoint::read(path).expect("a checkpoint");
    let own = |name: &String| !name.starts_with("optimizer.") && !name.starts_with("train.");
    let bits = |values: &Vec<f32>| values.iter().map(|value| value.to_bits()).collect();
    checkpoint.tensors.iter().filter(|(name, _)| own(name)).map(|(k, (_, v))| (k.clone(), bits(v))).collect()
}

#[test]
fn a_run_begins_with_a_files_weights() {
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/resnet8-leaky_relu_negative_slope_0.1-B-eval.weights.safetensors"
    );
    let network =
        ["--model", "resnet8", "--activation", "leaky_relu:negative_slope=0.1", "--set", "option=b"];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    let name = run.to_str().expect("UTF-8");
    // A rate so small that no weight changes; the running statistics do.
    let rate = ["--set", "optimizer.lr=1e-30", "--steps", "1", "--batch", "10", "--tune", "off"];
    wgrad(&[&["train", "--quiet", "--init", golden, "--out", name], &network[..], &rate].concat());
    let (begun, given) = (weights(&run.join("checkpoints/last.safetensors")), weights(Path::new(golden)));
    assert!(begun.keys().eq(given.keys()));
    for (name, bits) in &given {
        let same = !name.contains("running_");
        assert_eq!(begun[name] == *bits, same, "{name}");
    }
    assert_eq!(
        wgrad::config::RunConfig::from_file(&run.join("config.toml")).expect("one").init.as_deref(),
        Some(golden)
    );

    let exported = folder.path().join("exported.safetensors");
    let exported = exported.to_str().expect("UTF-8");
    wgrad(&["export", name, "--to", exported]);
    let [own, file] = [name, exported].map(|source| wgrad(&["eval", source, "--json"]));
    assert_eq!(own, file, "an exported file evaluates as its run");
}
