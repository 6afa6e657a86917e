//! `wgrad eval --mc-samples`: noise in evaluation, batch norm with its running statistics.

use assert_cmd::Command;
use serde_json::Value;
use wgrad::data::{Source, load};

use super::activations::train_briefly;
use super::cli::small_data;

fn eval(data: &str, run: &str, more: &[&str]) -> (Option<i32>, Value, String) {
    let output = Command::cargo_bin("wgrad")
        .expect("the program is built")
        .args([&["eval", run, "--json", "--data", data], more].concat())
        .output()
        .expect("it starts");
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), json, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn noisy_passes_are_averaged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    small_data(&data);
    let data = data.to_str().expect("UTF-8");
    let dataset = load(&data.parse::<Source>().expect("a folder")).expect("the data are whole");
    let eval = |run: &str, more: &[&str]| eval(data, run, more);
    let run = |spec: &str, name: &str| -> String {
        let out = folder.path().join(name);
        train_briefly(&dataset, spec, "0.01", &out);
        out.to_str().expect("UTF-8").to_owned()
    };
    let noisy = run("dropact:retain=0.5", "noisy");
    let (code, several, text) = eval(&noisy, &["--mc-samples", "5"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        (&several["samples"], several["entropy"].as_array().map(Vec::len)),
        (&Value::from(5), Some(10))
    );
    let information = several["mean_mutual_information"].as_f64().expect("a number");
    assert!(information > 1e-6, "five noisy passes agree on everything: {information}");
    assert_eq!(eval(&noisy, &["--mc-samples", "5"]).1, several, "the same noise the next time");
    let (_, one, _) = eval(&noisy, &["--mc-samples", "1"]);
    assert!(one["mean_mutual_information"].as_f64().expect("a number") < 1e-12, "one pass cannot disagree");
    // With a retain of 1 the noise changes nothing, so that noisy passes are the plain evaluation: the forms and the running
    // statistics are the same.
    let quiet = run("dropact:retain=1", "quiet");
    let (plain, sampled) = (eval(&quiet, &[]).1, eval(&quiet, &["--mc-samples", "3"]).1);
    assert_eq!(plain["confusion"], sampled["confusion"]);
    let difference = plain["loss"].as_f64().expect("a loss") - sampled["loss"].as_f64().expect("a loss");
    // Logarithms of the mean probabilities are rounded to f32: 2^-24 of magnitudes below 20.
    assert!(difference.abs() < 2e-6, "{plain} {sampled}");

    let (code, _, text) = eval(&run("relu", "relu"), &["--mc-samples", "3"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("draws no random numbers") && text.contains("dropact"), "{text}");
}
