//! `wgrad export` without a device: the tensors stay what they are, and what does not fit is named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// Shape, kind and bytes of each tensor.
type Tensors = BTreeMap<String, (Vec<usize>, Dtype, Vec<u8>)>;

const MODEL: [&str; 6] =
    ["--model", "resnet8", "--activation", "leaky_relu:negative_slope=0.1", "--set", "option=b"];

fn golden() -> PathBuf {
    let name = "tests/golden/resnet8-leaky_relu_negative_slope_0.1-B-eval.weights.safetensors";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).expect("a file");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let row = |(name, view): (String, TensorView)| {
        (name, (view.shape().to_vec(), view.dtype(), view.data().to_vec()))
    };
    file.tensors().into_iter().map(row).collect()
}

fn write(path: &Path, tensors: &Tensors) {
    let views = tensors.iter().map(|(name, (shape, dtype, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).expect("a tensor"))
    });
    let bytes = safetensors::serialize(views, None).expect("a file");
    std::fs::write(path, bytes).expect("a file is written");
}

fn export(from: &Path, to: &Path) -> Output {
    let mut command = Command::cargo_bin("wgrad").expect("the program is built");
    command.arg("export").arg(from).arg("--to").arg(to).args(MODEL).output().expect("it starts")
}

/// Exports the golden weights after `change`: the error, or the exported tensors.
fn changed(change: impl Fn(&mut Tensors)) -> Result<Tensors, (Option<i32>, String)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (from, to) = (folder.path().join("from.safetensors"), folder.path().join("to.safetensors"));
    let mut tensors = read(&golden());
    change(&mut tensors);
    write(&from, &tensors);
    let output = export(&from, &to);
    if output.status.success() {
        return Ok(read(&to));
    }
    assert!(!to.exists(), "an export that fails leaves no file");
    Err((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[track_caller]
fn assert_named(change: impl Fn(&mut Tensors), words: &[&str]) {
    let (code, text) = changed(change).expect_err("it must be refused");
    assert_eq!(code, Some(1), "{text}");
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
}

#[test]
fn tensors_keep_names_shapes_and_bits() {
    let want = read(&golden());
    assert_eq!(changed(|_| {}).expect("it is exported"), want);
}

#[test]
fn the_prefix_of_data_parallel_and_counters_are_no_matter() {
    let want = read(&golden());
    let prefixed = changed(|tensors| {
        *tensors = std::mem::take(tensors).into_iter().map(|(k, v)| (format!("module.{k}"), v)).collect();
    });
    assert_eq!(prefixed.expect("it is exported"), want);
    let counted = changed(|tensors| {
        let counter = (Vec::new(), Dtype::I64, 7i64.to_le_bytes().to_vec());
        tensors.insert("bn1.num_batches_tracked".to_owned(), counter);
    });
    assert_eq!(counted.expect("it is exported"), want);
}

#[test]
fn what_does_not_fit_is_named() {
    let name = "layer2.0.conv2.weight";
    assert_named(|tensors| drop(tensors.remove(name)), &[name, "no tensor", "resnet8"]);
    assert_named(
        |tensors| {
            let tensor = tensors.remove("bn1.bias").expect("it is there");
            tensors.insert("layer9.bias".to_owned(), tensor);
        },
        &["bn1.bias"],
    );
    assert_named(
        |tensors| drop(tensors.insert("layer9.bias".to_owned(), tensors["bn1.bias"].clone())),
        &["layer9.bias", "does not have"],
    );
    assert_named(
        |tensors| tensors.get_mut(name).expect("it is there").0 = vec![32, 16, 3, 6],
        &[name, "[32, 16, 3, 6]", "[32, 32, 3, 3]"],
    );
    assert_named(
        |tensors| {
            let (shape, dtype, bytes) = tensors.get_mut("bn1.bias").expect("it is there");
            *shape = vec![8];
            *dtype = Dtype::F64;
            assert_eq!(bytes.len(), 64);
        },
        &["bn1.bias", "F64", "F32"],
    );
}

#[test]
fn names_of_files_are_checked_first() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = export(&golden(), &folder.path().join("weights.pt"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("weights.pt") && text.contains(".safetensors or .onnx"), "{text}");
    let output = export(&golden(), &folder.path().join("network.onnx"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(folder.path().join("network.onnx").is_file());
}
