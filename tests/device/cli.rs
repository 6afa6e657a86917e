//! The program on a device: what it writes, and its answers to wrong devices, folders and checkpoints.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

use crate::support::gpu;

fn wgrad(args: &[&str]) -> Output {
    Command::cargo_bin("wgrad").expect("the program is built").args(args).output().expect("it starts")
}

#[track_caller]
fn assert_error(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "stderr: {text}");
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

/// A CIFAR-10 folder of 40 + 10 images, with all classes.
pub fn small_data(folder: &Path) {
    for (file, name) in
        ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
            .iter()
            .enumerate()
    {
        let record = |label: u8| {
            let pixels = (0..3072u32).map(move |i| (i * u32::from(label + 1) / 7 + file as u32) as u8);
            std::iter::once(label).chain(pixels)
        };
        let bytes: Vec<u8> = (0..10).flat_map(record).collect();
        std::fs::write(folder.join(format!("{name}.bin")), bytes).expect("a file is written");
    }
}

#[test]
fn trains_evaluates_and_predicts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    small_data(&data);
    let run = folder.path().join("run");
    let (data, run) = (data.to_str().expect("UTF-8"), run.to_str().expect("UTF-8"));
    let train = wgrad(&[
        "train",
        "--json",
        "--model",
        "resnet8",
        "--data",
        data,
        "--out",
        run,
        "--epochs",
        "2",
        "--batch",
        "16",
        "--activation",
        "rrelu",
    ]);
    assert!(train.status.success(), "{}", String::from_utf8_lossy(&train.stderr));
    let lines: Vec<Value> = String::from_utf8_lossy(&train.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    assert_eq!(lines.len(), 3, "two epochs and the summary");
    for file in ["config.toml", "metrics.jsonl", "summary.json", "curves.svg", "report.html"] {
        assert!(Path::new(run).join(file).is_file(), "{file}");
    }

    let eval = wgrad(&["eval", run, "--json"]);
    let evaluation: Value = serde_json::from_slice(&eval.stdout).expect("JSON");
    assert_eq!(evaluation["accuracy"], lines[2]["test_accuracy"], "eval gives the summary's figure");
    assert_eq!(evaluation["loss"], lines[2]["test_loss"]);
    assert_eq!(evaluation["count"], 10);

    let image = folder.path().join("image.png");
    image::RgbImage::from_fn(40, 60, |x, y| image::Rgb([x as u8, y as u8, 7]))
        .save(&image)
        .expect("an image");
    let predict = wgrad(&["predict", run, image.to_str().expect("UTF-8"), "--json"]);
    let answers: Value = serde_json::from_slice(&predict.stdout).expect("JSON");
    let total: f64 =
        answers[0]["top"].as_array().expect("classes").iter().map(|c| c["p"].as_f64().unwrap_or(0.0)).sum();
    assert!((total - 1.0).abs() < 1e-9, "probabilities sum to {total}");

    let again = wgrad(&["train", "--model", "resnet8", "--data", data, "--out", run]);
    assert_error(&again, 2, &["holds a run already", "--resume"]);
    let checkpoint = format!("{run}/checkpoints/best.safetensors");
    assert_error(
        &wgrad(&["eval", &checkpoint, "--model", "resnet14"]),
        1,
        &["layer1.1.conv1.weight", "another model"],
    );
    let config = format!("{run}/config.toml");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    std::fs::write(&config, text.replace("epochs = 2", "epochs = 3")).expect("a file is written");
    assert_error(&wgrad(&["train", "--resume", run]), 1, &["config.toml"]);
}

#[test]
fn bench_and_profile_give_their_keys() {
    // Without the tuner, whose choice another process may change between the two: not all candidates take as many dispatches.
    let subject = ["--json", "--model", "resnet8", "--batch", "4", "--set", "option=b", "--tune", "off"];
    let run = |command: &[&str]| wgrad(&[command, &subject].concat());
    let json = |output: &Output| -> Value {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    };
    let row = json(&run(&["bench", "step", "--steps", "2"]));
    let number = |key: &str| {
        let value = row[key].as_f64();
        value.filter(|value| *value > 0.0).unwrap_or_else(|| panic!("{key} is no positive number in {row}"))
    };
    for key in
        ["device_open_s", "tuned_s", "pipelines_ready_s", "first_step_s", "pipelined_step_s", "host_step_s"]
    {
        number(key);
    }
    assert_eq!([number("batch"), number("steps"), number("width")], [4.0, 2.0, 1.0]);
    assert_eq!(number("images_per_second"), 4.0 / number("median_step_s"));
    assert!(number("peak_device_bytes") >= number("device_bytes"), "{row}");
    assert!(number("host_step_s") <= number("median_step_s"), "{row}");
    let has = gpu().has_timestamps();
    assert_eq!(row["gpu_step_s"].is_null(), !has, "{row}");
    let cost = json(&run_with("bench", &subject, &["activation", "--steps", "3", "--activation", "rrelu"]));
    let ratio = |key: &str| cost[key].as_f64().unwrap_or_else(|| panic!("no number {key} in {cost}"));
    let [least, most] = [0, 1].map(|k| cost["times_relu_quartiles"][k].as_f64().expect("a quartile"));
    assert!(0.0 < least && least <= ratio("times_relu") && ratio("times_relu") <= most, "{cost}");
    assert_eq!([ratio("batch"), ratio("steps")], [4.0, 3.0]);
    assert!(ratio("median_step_s") > 0.0 && ratio("relu_step_s") > 0.0, "{cost}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for clock in ["device", "passes", "host"] {
        let [trace, plot] = ["json", "svg"].map(|end| folder.path().join(format!("{clock}.{end}")));
        let (trace, plot) = (trace.to_str().expect("UTF-8"), plot.to_str().expect("UTF-8"));
        let files = ["--clock", clock, "--trace", trace, "--roofline", plot, "--repeats", "1"];
        let profile = json(&run_with("profile", &subject, &files));
        check_profile(&profile, if has { clock } else { "host" }, number("dispatches_per_step"));
        let trace: Value =
            serde_json::from_str(&std::fs::read_to_string(trace).expect("a trace")).expect("JSON");
        let events = trace["traceEvents"].as_array().expect("events");
        let kernels = events.iter().filter(|event| event["ph"] == "X" && event["tid"] == 2).count();
        assert_eq!(kernels as f64, number("dispatches_per_step"));
        assert!(std::fs::read_to_string(plot).expect("a plot").contains("conv/forward"));
    }
}

fn run_with(command: &str, subject: &[&str], more: &[&str]) -> Output {
    wgrad(&[&[command], subject, more].concat())
}

/// The keys, and what must hold between them.
fn check_profile(profile: &Value, clock: &str, dispatches: f64) {
    assert!(profile["clock"].as_str().expect("a clock").starts_with(match clock {
        "host" => "host",
        _ => "device",
    }));
    let kernels = profile["kernels"].as_array().expect("kernels");
    let total =
        |rows: &[Value], key: &str| -> f64 { rows.iter().map(|row| row[key].as_f64().expect(key)).sum() };
    assert_eq!(total(kernels, "calls"), dispatches, "the same plan, dispatch for dispatch");
    let phases = profile["phases"].as_array().expect("phases");
    let names: Vec<&str> = phases.iter().map(|row| row["phase"].as_str().expect("a name")).collect();
    assert_eq!(names, ["augment", "forward", "backward", "optimizer"]);
    let sum = profile["sum_s"].as_f64().expect("sum_s");
    for rows in [kernels, phases] {
        assert!((total(rows, "share") - 1.0).abs() < 1e-9, "{rows:?}");
        assert!((total(rows, "total_ms") - 1e3 * sum).abs() < 1e-6 * sum.max(1.0) * 1e3, "{rows:?}");
    }
    let step = profile["step_s"].as_f64().expect("step_s");
    assert!((profile["sum_excess"].as_f64().expect("sum_excess") - (sum / step - 1.0)).abs() < 1e-9);
    assert_eq!(profile["gpu_idle"].is_null(), clock == "host", "{profile}");
    for key in ["gb_per_s", "gflop_per_s"] {
        assert!(profile["ceilings"][key].as_f64().expect(key) > 0.0, "{profile}");
    }
    for row in kernels {
        assert!(row["of_ceiling"].as_f64().expect("of_ceiling") >= 0.0, "{row}");
        assert_eq!(row["gflop_per_s"].is_null(), row["intensity"] == 0.0, "{row}");
    }
}

#[test]
fn unknown_device() {
    assert_error(&wgrad(&["devices", "--device", "0"]), 0, &[]);
    let wrong = ["no such card", "there are"];
    assert_error(&wgrad(&["devices", "--device", "no such card"]), 2, &wrong);
    assert_error(&wgrad(&["train", "--device", "no such card", "--out", "/nonexistent/x"]), 2, &wrong);
    assert_error(&wgrad(&["bench", "--device", "99"]), 2, &["99"]);
    // A report of a fault still says what there is.
    let mut version = Command::cargo_bin("wgrad").expect("the program is built");
    let said = version.env("WGPU_ADAPTER_NAME", "no such card").arg("--version").output().expect("it starts");
    assert!(!String::from_utf8_lossy(&said.stdout).contains("none found"), "{said:?}");
}

#[test]
fn folder_that_cannot_be_written() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let out = file.path().join("run");
    let out = out.to_str().expect("UTF-8");
    assert_error(&wgrad(&["train", "--out", out]), 1, &["cannot create", out]);
}

#[test]
fn devices_are_listed_as_json() {
    let rows: Value = serde_json::from_slice(&wgrad(&["devices", "--json"]).stdout).expect("JSON");
    let first = &rows[0];
    for key in ["index", "name", "backend", "type", "driver", "features", "limits", "paths"] {
        assert!(!first[key].is_null(), "{key} in {first}");
    }
    let rows = rows.as_array().expect("an array");
    let defaults: Vec<&Value> = rows.iter().filter(|row| row["default"] == true).collect();
    assert_eq!(defaults.len(), 1, "{rows:?}");
    assert!(defaults[0]["reason"].is_string(), "{}", defaults[0]);
    let gpu = gpu();
    // Without what Mesa adds to its own: the width of its vectors, which it takes from the process.
    let plain = |name: &str| name.split(" (").next().unwrap_or_default().to_owned();
    let name = defaults[0]["name"].as_str().expect("a name");
    assert_eq!(plain(gpu.name()), plain(name), "what is called the default is what is opened");
    let path = |name: &str| {
        let paths = defaults[0]["paths"].as_array().expect("paths");
        let row = paths.iter().find(|path| path["name"] == name).unwrap_or_else(|| panic!("{name}"));
        assert!(row["note"].as_str().expect("a note").len() > 4, "{row}");
        row["available"] == true
    };
    assert_eq!(path("precision=mixed"), gpu.cooperative_side().is_ok());
    assert_eq!(path("profiles by the device's own clock"), gpu.has_timestamps());
}

/// Two recipes with two seeds each: all runs, the table and the curves; then nothing is trained again, a changed setting is
/// refused, and a folder that lacks one run trains that one.
#[test]
fn compare_runs_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    small_data(folder.path());
    let recipe = |name: &str, activation: &str| {
        let path = folder.path().join(name).display().to_string();
        let text = format!(
            "model = \"resnet8\"\nactivation = \"{activation}\"\nbatch = 16\nepochs = 1\ntensorboard = true\n[published]\nsource = \"here\"\ntest = 12.5\n"
        );
        std::fs::write(&path, text).expect("a recipe");
        path
    };
    let (a, b) = (recipe("plain.toml", "relu"), recipe("noisy.toml", "dropact"));
    let out = folder.path().join("out").display().to_string();
    let data = folder.path().display().to_string();
    let base = ["compare", &a, &b, "--seeds", "2", "--data", &data, "--out", &out, "--tune", "off"];
    let first = wgrad(&[&["--json"], &base[..]].concat());
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let json: serde_json::Value = serde_json::from_slice(&first.stdout).expect("one JSON document");
    assert_eq!(json["rows"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["rows"][1]["best_test"]["count"], 2);
    assert_eq!(json["rows"][0]["published"]["test"], 12.5);
    for file in [
        "compare.md",
        "compare.json",
        "accuracy.svg",
        "loss.svg",
        "plain-1/report.html",
        "noisy-0/summary.json",
    ] {
        assert!(std::path::Path::new(&out).join(file).is_file(), "{file}");
    }
    let events = std::fs::read_dir(std::path::Path::new(&out).join("noisy-0/tensorboard"));
    assert_eq!(events.expect("a folder of events").count(), 1);
    let summary = std::path::Path::new(&out).join("noisy-1/summary.json");
    let before = std::fs::read_to_string(&summary).expect("a summary");
    std::fs::remove_dir_all(std::path::Path::new(&out).join("noisy-1")).expect("it is removed");
    let again = wgrad(&base);
    let notes = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.success() && notes.matches(": done").count() == 3, "{notes}");
    let seconds = |text: &str| {
        text.lines().filter(|line| !line.contains("seconds")).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(seconds(&before), seconds(&std::fs::read_to_string(&summary).expect("a summary")));
    let changed = wgrad(&[&base[..], &["--set", "optimizer.lr=0.01"]].concat());
    assert_error(&changed, 2, &["plain-0", "optimizer.lr was 0.1, is 0.01", "--out"]);
    assert_error(&wgrad(&["compare", &a, &a, "--out", &out]), 2, &["plain", "twice"]);
    let other = wgrad(&["compare", &a, &b, "--seeds", "2", "--out", &out, "--tune", "off"]);
    assert_error(&other, 2, &["plain-0", "other images", "sample", "--out"]);
}
