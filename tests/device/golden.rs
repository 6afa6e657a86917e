//! `wgrad step` against PyTorch in float64: files and bounds as described in tests/golden/README.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assert_cmd::cargo::cargo_bin_cmd;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// Bound on ||error|| / ||value|| of logits, loss and running statistics: ten times PyTorch's own float32.
const VALUE_BOUND: f64 = 1e-5;
/// The same for gradients.
const GRADIENT_BOUND: f64 = 1e-4;

/// Shape and elements of a float32 tensor.
#[derive(Clone, Debug)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

type Tensors = BTreeMap<String, Tensor>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn load(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tensor = |(name, view): (String, safetensors::tensor::TensorView)| {
        assert_eq!(view.dtype(), Dtype::F32, "{name} in {}", path.display());
        let words = view.data().chunks_exact(4);
        let values = words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
        (name, Tensor { shape: view.shape().to_vec(), values })
    };
    file.tensors().into_iter().map(tensor).collect()
}

/// ||got - expected|| / ||expected||.
fn relative_error(got: &[f32], expected: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let error = norm(&mut got.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    error / norm(&mut expected.iter().map(|value| f64::from(*value)))
}

/// A line for each tensor that is missing, has another shape or passes its bound.
fn differences(got: &Tensors, expected: &Tensors) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, want) in expected {
        let bound = if name.starts_with("grad.") { GRADIENT_BOUND } else { VALUE_BOUND };
        let Some(have) = got.get(name) else {
            lines.push(format!("{name}: missing"));
            continue;
        };
        // A loss is one number of any rank.
        let one_number = have.values.len() == 1 && want.values.len() == 1;
        if have.shape != want.shape && !one_number {
            lines.push(format!("{name}: expected shape {:?}, got {:?}", want.shape, have.shape));
            continue;
        }
        let error = relative_error(&have.values, &want.values);
        if error.is_nan() || error > bound {
            lines.push(format!("{name}: ||error||/||value|| {error:.2e}, bound {bound:.0e}"));
        }
    }
    lines
}

/// Runs the step of a case on the device and compares all that it wrote.
fn check(case: &str, tensors: usize, arguments: &[&str]) {
    let file = |part: &str| folder().join(format!("{case}.{part}.safetensors"));
    let expected = load(&file("expected"));
    assert_eq!(expected.len(), tensors, "tensors in the expected file of {case}");
    let out = tempfile::tempdir().expect("a temporary folder");
    let output = out.path().join("out.safetensors");
    let mut command = cargo_bin_cmd!("wgrad");
    command.args(["--json", "step"]).args(arguments);
    command.arg("--weights").arg(file("weights")).arg("--batch").arg(file("batch")).arg("--out").arg(&output);
    let assert = command.assert().success();
    let lines = differences(&load(&output), &expected);
    assert!(lines.is_empty(), "{case}:\n{}", lines.join("\n"));

    let printed: serde_json::Value =
        serde_json::from_slice(&assert.get_output().stdout).expect("JSON on stdout");
    let printed = printed["loss"].as_f64().expect("a number under loss");
    let loss = f64::from(expected["loss"].values[0]);
    assert!((printed - loss).abs() <= VALUE_BOUND * loss, "printed loss {printed}, expected {loss}");
}

/// 59 gradients, 38 running statistics, logits and loss.
#[test]
fn resnet20_train_agrees_with_pytorch() {
    check("resnet20-relu-A-train", 99, &["--model", "resnet20", "--activation", "relu", "--mode", "train"]);
}

/// 29 gradients, 18 running statistics, logits and loss.
#[test]
fn resnet8_option_b_eval_agrees_with_pytorch() {
    let case = "resnet8-leaky_relu_negative_slope_0.1-B-eval";
    let activation = "leaky_relu:negative_slope=0.1";
    check(
        case,
        49,
        &["--model", "resnet8", "--activation", activation, "--mode", "eval", "--set", "option=b"],
    );
}

/// The first rows of the last matrix are a network of so many classes, which has the same logits for them.
#[test]
fn as_many_classes_as_the_weights_have() {
    const CLASSES: usize = 7;
    let case = "resnet8-leaky_relu_negative_slope_0.1-B-eval";
    let read = |part: &str| std::fs::read(folder().join(format!("{case}.{part}.safetensors"))).expect(part);
    let out = tempfile::tempdir().expect("a temporary folder");
    let [weights, batch, output] = ["weights", "batch", "out"].map(|part| out.path().join(part));
    let (bytes, rows) = (read("weights"), read("batch"));
    let file = SafeTensors::deserialize(&bytes).expect("weights");
    let cut = file.tensors().into_iter().map(|(name, view)| {
        let (mut shape, mut data) = (view.shape().to_vec(), view.data());
        if name.starts_with("linear.") {
            data = &data[..data.len() / shape[0] * CLASSES];
            shape[0] = CLASSES;
        }
        (name, TensorView::new(view.dtype(), shape, data).expect("a view"))
    });
    safetensors::serialize_to_file(cut.collect::<Vec<_>>(), None, &weights).expect("a file is written");
    let file = SafeTensors::deserialize(&rows).expect("a batch");
    let images = file.tensor("images").expect("images");
    let labels = vec![0; images.shape()[0] * 8];
    let labels = TensorView::new(Dtype::I64, vec![images.shape()[0]], &labels).expect("a view");
    safetensors::serialize_to_file([("images", images), ("labels", labels)], None, &batch)
        .expect("a file is written");
    let mut command = cargo_bin_cmd!("wgrad");
    command.args(["step", "--model", "resnet8", "--activation", "leaky_relu:negative_slope=0.1"]);
    command.args(["--mode", "eval", "--set", "option=b"]);
    command.arg("--weights").arg(&weights).arg("--batch").arg(&batch).arg("--out").arg(&output);
    command.assert().success();
    let (got, all) = (load(&output), load(&folder().join(format!("{case}.expected.safetensors"))));
    let expected = all["logits"].values.chunks_exact(10).flat_map(|row| &row[..CLASSES]).copied();
    let logits = &got["logits"];
    assert_eq!(logits.shape, [all["logits"].shape[0], CLASSES]);
    assert!(relative_error(&logits.values, &expected.collect::<Vec<_>>()) < VALUE_BOUND);
}

#[test]
fn the_comparison_rejects_what_is_wrong() {
    let expected = load(&folder().join("resnet20-relu-A-train.expected.safetensors"));
    assert!(differences(&expected, &expected).is_empty());
    for name in
        ["logits", "loss", "grad.conv1.weight", "grad.layer3.0.conv2.weight", "layer2.1.bn2.running_var"]
    {
        let spoil = |change: &dyn Fn(&mut Tensor)| {
            let mut got = expected.clone();
            change(got.get_mut(name).unwrap_or_else(|| panic!("{name} is in the file")));
            let lines = differences(&got, &expected);
            assert!(lines.len() == 1 && lines[0].starts_with(name), "{name}: {lines:?}");
        };
        let largest =
            |values: &[f32]| (0..values.len()).max_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()));
        spoil(&|tensor| {
            let place = largest(&tensor.values).expect("an element");
            tensor.values[place] = -tensor.values[place];
        });
        spoil(&|tensor| tensor.values[0] = f32::NAN);
        spoil(&|tensor| tensor.values.iter_mut().for_each(|value| *value = 0.0));
        spoil(&|tensor| tensor.values.iter_mut().for_each(|value| *value *= 1.001));
        spoil(&|tensor| {
            tensor.values.extend([0.0; 3]);
            tensor.shape = vec![tensor.values.len()];
        });
        let mut got = expected.clone();
        got.remove(name);
        assert_eq!(differences(&got, &expected), [format!("{name}: missing")]);
    }
}
