//! A user's activation on a device: the check finds what is wrong and nothing else, and training uses the file.

use std::path::Path;

use assert_cmd::Command;
use wgrad::kernels::Activation;
use wgrad::measure::check::{CustomReport, check_custom};
use wgrad::nn::{Mode, Weights, models};
use wgrad::train::{StepOutput, single_step};

use crate::support::gpu;

fn report(text: &str) -> CustomReport {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.wgsl");
    std::fs::write(&path, text).expect("a file is written");
    let act = Activation::parse(path.to_str().expect("UTF-8")).expect("an activation");
    check_custom(gpu(), &act).expect("it is checked")
}

/// The cases that fail, joined.
fn wrong(report: &CustomReport) -> String {
    let wrong = report.outcomes.iter().filter(|outcome| !outcome.ok);
    wrong.map(|outcome| format!("{}: {}", outcome.case, outcome.reason)).collect::<Vec<_>>().join("; ")
}

const RANDOM_SLOPE: &str = "// param: steepest = 0.5 in 0..1
// noise: uniform
fn value(x: f32, u: f32) -> f32 { return select(STEEPEST * u * x, x, x > 0.3); }
fn derivative(x: f32, u: f32) -> f32 { return select(STEEPEST * u, 1.0, x > 0.3); }
fn value_eval(x: f32) -> f32 { return select(0.5 * STEEPEST * x, x, x > 0.3); }
fn derivative_eval(x: f32) -> f32 { return select(0.5 * STEEPEST, 1.0, x > 0.3); }
";

#[test]
fn right_activations_pass() {
    let swish = report(include_str!("../../assets/activations/swish.wgsl"));
    assert_eq!((wrong(&swish).as_str(), swish.kinks.as_slice()), ("", &[][..]));
    let random = report(RANDOM_SLOPE);
    assert_eq!(wrong(&random), "");
    // It jumps from 0.3/4 to 0.3.
    let [kink] = random.kinks[..] else { panic!("{:?}", random.kinks) };
    assert!(
        (kink.x - 0.3).abs() < 2e-3 && kink.value_jumps && (kink.change - 0.225).abs() < 2e-3,
        "{kink:?}"
    );
    let normal = report(
        "// noise: normal
fn value(x: f32, u: f32) -> f32 { return value_eval(x) + 0.3 * u * logistic(x); }
fn derivative(x: f32, u: f32) -> f32 { return derivative_eval(x) + 0.3 * u * logistic_slope(x); }
fn value_eval(x: f32) -> f32 { return select(0.1 * x, x, x > 0.0); }
fn derivative_eval(x: f32) -> f32 { return select(0.1, 1.0, x > 0.0); }
",
    );
    assert_eq!(wrong(&normal), "");
    let [kink] = normal.kinks[..] else { panic!("{:?}", normal.kinks) };
    assert!(kink.x.abs() < 2e-3 && !kink.value_jumps && (kink.change - 0.9).abs() < 1e-2, "{kink:?}");
}

#[test]
fn each_fault_is_found() {
    let swish = include_str!("../../assets/activations/swish.wgsl");
    // The inner derivative is forgotten; a term of 1 % is; the sign is wrong on one side.
    let forgotten = swish.replace("x * SLOPE *", "x *");
    assert!(wrong(&report(&forgotten)).contains("derivative in evaluation"), "inner derivative");
    let percent = swish.replace("x * SLOPE *", "x * 0.99 * SLOPE *");
    assert!(wrong(&report(&percent)).contains("derivative in evaluation"), "1 %");
    let sign = RANDOM_SLOPE.replace("return select(STEEPEST * u, 1.0", "return select(-STEEPEST * u, 1.0");
    assert!(wrong(&report(&sign)).contains("derivative in training"), "sign");
    // The backward pass looks at other noise.
    let other =
        RANDOM_SLOPE.replace("return select(STEEPEST * u, 1.0", "return select(STEEPEST * (1.0 - u), 1.0");
    assert!(wrong(&report(&other)).contains("same noise"), "noise");
    let mean = RANDOM_SLOPE.replace("select(0.5 * STEEPEST * x", "select(0.45 * STEEPEST * x");
    let found = wrong(&report(&mean));
    assert!(found.contains("mean of training") && found.contains("derivative in evaluation"), "{found}");
    let unused = RANDOM_SLOPE.replace("STEEPEST * u", "0.5 * STEEPEST");
    assert!(wrong(&report(&unused)).contains("does not use u"), "unused noise");
    let overflow = "fn value(x: f32, u: f32) -> f32 { return log(1.0 + exp(x)); }\n\
                    fn derivative(x: f32, u: f32) -> f32 { return logistic(x); }\n";
    assert!(wrong(&report(overflow)).contains("inf"), "overflow: {}", wrong(&report(overflow)));
}

/// The file's function and the built-in one it equals train alike.
#[test]
fn a_file_is_fused_like_a_built_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/activations/swish.wgsl");
    let step = |spec: &str| -> StepOutput {
        let act = Activation::parse(spec).expect("an activation");
        let network = models::build("resnet8", &models::Settings::cifar10(act)).expect("a network");
        let weights = Weights::new(gpu(), &network, 4).expect("weights");
        weights.initialize(gpu(), &network, 3).expect("initial weights");
        let images: Vec<f32> = (0..4 * 3 * 32 * 32).map(|i| (i as f32 * 0.37).sin()).collect();
        single_step(gpu(), &network, &weights, &images, &[1, 2, 3, 4], Mode::Train, 0).expect("a step")
    };
    let (own, built_in) = (step(&format!("{path}:slope=1")), step("silu"));
    let all = |output: &StepOutput| [output.logits.clone(), output.gradients.concat()].concat();
    let (own, built_in) = (all(&own), all(&built_in));
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let difference: Vec<f32> = own.iter().zip(&built_in).map(|(a, b)| a - b).collect();
    // The same formula but for a product with 1 and its order: rounding, carried through nine layers.
    assert!(norm(&difference) < 1e-4 * norm(&built_in), "{} of {}", norm(&difference), norm(&built_in));
    assert!(norm(&built_in) > 0.1);
    let relu = all(&step("relu"));
    let other: Vec<f32> = relu.iter().zip(&built_in).map(|(a, b)| a - b).collect();
    assert!(norm(&other) > 0.01 * norm(&built_in), "relu gives the same: the comparison sees nothing");
}

#[test]
fn commands_take_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.wgsl");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/activations/swish.wgsl"), &path)
        .expect("a copy");
    let run = |args: &[&str]| {
        let output = Command::cargo_bin("wgrad")
            .expect("the program is built")
            .current_dir(folder.path())
            .args(args)
            .output()
            .expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = run(&["check", "--activation", "mine.wgsl"]);
    assert_eq!(code, Some(0), "{text}");
    let plot = std::fs::read_to_string(folder.path().join("mine.svg")).expect("a plot");
    assert!(plot.contains("<polyline"));
    std::fs::write(
        folder.path().join("bad.wgsl"),
        include_str!("../../assets/activations/swish.wgsl").replace("x * SLOPE *", "x *"),
    )
    .expect("a file");
    let (code, text) = run(&["check", "--activation", "bad.wgsl"]);
    assert_eq!(code, Some(1), "{text}");
    for command in ["bench", "profile"] {
        let count = if command == "bench" { "--steps" } else { "--repeats" };
        let (code, text) = run(&[
            command,
            "--model",
            "resnet8",
            "--batch",
            "2",
            count,
            "1",
            "--activation",
            "mine.wgsl:slope=2",
        ]);
        assert_eq!(code, Some(0), "{command}: {text}");
    }
    let spec = "mine.wgsl:slope=2";
    let train =
        ["train", "--model", "resnet8", "--batch", "8", "--steps", "2", "--activation", spec, "--out", "run"];
    let (code, text) = run(&train);
    assert_eq!(code, Some(0), "{text}");
    assert!(folder.path().join("run/activation.wgsl").is_file());
    std::fs::write(&path, "// changed").expect("a file");
    let (code, text) = run(&["eval", "run"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("has changed since the run began") && text.contains("activation.wgsl"), "{text}");
}
