//! The command line without a device: bad input gives one sentence that names it, and the right exit code.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

fn wgrad(args: &[&str]) -> Output {
    Command::cargo_bin("wgrad").expect("the program is built").args(args).output().expect("it starts")
}

/// Asserts the exit code, that stderr ends in one `error:` line, and that this line has all the words.
#[track_caller]
fn assert_error(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "stderr: {text}");
    let error = text.lines().last().unwrap_or_default();
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
    assert!(error.starts_with("error: ") || code == 2, "expected one error line last: {text:?}");
    assert!(!text.contains("panicked"), "{text}");
}

/// A CIFAR-10 folder with one record a file, `change` applied to data_batch_2.bin.
fn folder_with(change: impl Fn(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
    {
        let mut bytes = vec![0u8; 2 * 3073];
        if name == "data_batch_2" {
            change(&mut bytes);
        }
        std::fs::write(folder.path().join(format!("{name}.bin")), bytes).expect("a file is written");
    }
    folder
}

fn train_on(folder: &Path) -> Output {
    wgrad(&["train", "--data", folder.to_str().expect("a UTF-8 path")])
}

#[test]
fn missing_folder() {
    let output = wgrad(&["train", "--data", "no/such/folder"]);
    assert_error(&output, 1, &["no/such/folder"]);
}

#[test]
fn truncated_batch_file() {
    let folder = folder_with(|bytes| bytes.truncate(3073 + 100));
    assert_error(&train_on(folder.path()), 1, &["data_batch_2.bin", "3073", "3173"]);
}

#[test]
fn label_that_is_no_class() {
    let folder = folder_with(|bytes| bytes[3073] = 11);
    assert_error(&train_on(folder.path()), 1, &["data_batch_2.bin", "11"]);
}

#[test]
fn batch_of_zero() {
    assert_error(&wgrad(&["train", "--batch", "0"]), 2, &["batch", "0"]);
}

#[test]
fn unknown_recipe_gets_a_suggestion() {
    assert_error(&wgrad(&["train", "--recipe", "quikstart"]), 2, &["quikstart", "quickstart"]);
}

#[test]
fn unknown_key_gets_a_suggestion() {
    assert_error(&wgrad(&["train", "--set", "optimizer.lrr=0.1"]), 2, &["lrr", "optimizer.lr"]);
}

#[test]
fn measured_settings_are_checked_like_a_runs() {
    for command in ["bench", "profile"] {
        assert_error(&wgrad(&[command, "--set", "widht=2"]), 2, &["widht", "did you mean width?"]);
        assert_error(&wgrad(&[command, "--set", "width=17"]), 2, &["width = 17", "at most 16"]);
        assert_error(&wgrad(&[command, "--batch", "0"]), 2, &["batch = 0"]);
    }
    assert_error(&wgrad(&["bench", "--steps", "0"]), 2, &["steps = 0", "at least 1"]);
}

#[test]
fn unknown_activation_is_named_with_what_there_is() {
    assert_error(&wgrad(&["train", "--activation", "rellu"]), 2, &["rellu", "did you mean relu?"]);
    assert_error(&wgrad(&["train", "--activation", "xyzzy"]), 2, &["xyzzy", "relu", "dropact"]);
    let output = wgrad(&["train", "--activation", "dropact:retain=1.5"]);
    assert_error(&output, 2, &["dropact", "retain", "0..=1", "1.5"]);
}

#[test]
fn folder_without_a_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_str().expect("a UTF-8 path");
    assert_error(&wgrad(&["train", "--resume", path]), 2, &[path, "config.toml"]);
    assert_error(&wgrad(&["eval", path]), 2, &[path, "config.toml"]);
}

#[test]
fn corrupted_checkpoint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("broken.safetensors");
    std::fs::write(&path, b"\xff\xff\xff\xff\xff\xff\xff\xffnonsense").expect("a file is written");
    let output = wgrad(&["eval", path.to_str().expect("a UTF-8 path")]);
    assert_error(&output, 1, &["broken.safetensors", "damaged"]);
}

#[test]
fn no_adapter_says_what_to_install() {
    let run = |args: &[&str]| {
        Command::cargo_bin("wgrad")
            .expect("the program is built")
            .args(args)
            .env("VK_DRIVER_FILES", "/nonexistent.json")
            .env("VK_ICD_FILENAMES", "/nonexistent.json")
            .args(["--backend", "vulkan"])
            .output()
            .expect("it starts")
    };
    assert_error(&run(&["train", "--out", "/nonexistent/run"]), 1, &["adapter", "install"]);
    let devices = run(&["devices", "--json"]);
    let systems = ["Debian, Ubuntu", "Fedora", "Arch", "Windows", "macOS", "mesa-vulkan-drivers"];
    assert_error(&devices, 1, &systems);
    assert_error(&devices, 1, &["adapter", "install"]);
    assert_eq!(String::from_utf8_lossy(&devices.stdout).trim(), "[]");
}

#[test]
fn unknown_backend() {
    assert_error(&wgrad(&["devices", "--backend", "cuda"]), 2, &["cuda", "vulkan", "metal", "dx12"]);
}

#[test]
fn recipes_are_listed_as_json() {
    let output = wgrad(&["recipes", "--json"]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert!(rows.as_array().expect("an array").iter().any(|row| row["name"] == "quickstart"));
}

#[test]
fn dropact_refuses_what_replications_got_wrong() {
    for spec in ["dropact:slope=20", "dropact:mode=seed"] {
        assert_error(&wgrad(&["train", "--activation", spec]), 2, &["1 - retain", "1/(1 - p)", "error"]);
    }
    let output = wgrad(&["train", "--activation", "dropact:p=0.95"]);
    assert_error(&output, 2, &["p is not taken", "retain", "kept"]);
    let output = wgrad(&["train", "--activation", "mix:first=dropact"]);
    assert_error(&output, 2, &["mix", "first", "silu", "dropact"]);
}

#[test]
fn data_that_is_not_there_yet() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |args: &[&str]| {
        let mut command = Command::cargo_bin("wgrad").expect("the program is built");
        command.env("WGRAD_DATA", folder.path()).args(args).output().expect("it starts")
    };
    let place = folder.path().join("cifar-100-binary");
    let words = [place.to_str().expect("UTF-8"), "wgrad data fetch cifar100"];
    assert_error(&run(&["train", "--data", "cifar100"]), 1, &words);
    assert_error(&run(&["data", "verify"]), 1, &["wgrad data fetch cifar10"]);
    assert_error(&run(&["data", "fetch", "mnist"]), 2, &["mnist", "cifar10", "cifar100"]);
    // The variable's folder is used: what is there is found.
    std::fs::create_dir(&place).expect("a folder");
    std::fs::write(place.join("train.bin"), [0; 3074]).expect("a file");
    assert_error(&run(&["train", "--data", "cifar100"]), 1, &["test.bin is missing"]);
    let output = run(&["data", "verify", "--json"]);
    assert_error(&output, 1, &["4 of 4 files"]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert!(
        rows[0]["ok"] == false && rows[0]["reason"].as_str().expect("a text").contains("f31298fc"),
        "{rows}"
    );
}

/// Flags over `--set` over the file over the recipe that the file builds on, and `--set` in order.
#[test]
fn later_layers_of_the_configuration_win() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    let text = "base = \"quickstart\"\nbatch = 5\nepochs = 6\nseed = 7\n[optimizer]\nlr = 0.5\n";
    std::fs::write(&file, text).expect("a file is written");
    let output = wgrad(&[
        "train",
        "--print-config",
        "--json",
        "--recipe",
        file.to_str().expect("UTF-8"),
        "--epochs",
        "9",
        "--set",
        "epochs=8",
        "--set",
        "batch=16",
        "--set",
        "batch=17",
        "--on-nan",
        "rollback",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let config: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let recipe = wgrad::config::RunConfig::from_layers(Some("quickstart"), &[], &toml::Table::new());
    let recipe = recipe.expect("the recipe");
    assert_eq!((&config["epochs"], &config["batch"], &config["seed"]), (&9.into(), &17.into(), &7.into()));
    assert_eq!(config["optimizer"]["lr"], 0.5);
    assert_eq!(config["on_nan"], "rollback");
    assert_eq!(config["activation"].as_str(), Some(recipe.activation.as_str()));
    assert_ne!(recipe.epochs, 9);
}

#[test]
fn shells_and_man_are_served() {
    for (shell, word) in
        [("bash", "complete -F _wgrad"), ("zsh", "#compdef wgrad"), ("fish", "complete -c wgrad")]
    {
        let output = wgrad(&["completions", shell]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains(word) && text.contains("export"), "{shell}: {text}");
    }
    assert_error(&wgrad(&["completions", "tcsh"]), 2, &["tcsh", "bash"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = wgrad(&["man", "--to", folder.path().to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for page in ["wgrad", "wgrad-train", "wgrad-data-fetch"] {
        let text = std::fs::read_to_string(folder.path().join(format!("{page}.1"))).expect("a page");
        assert!(text.contains(".SH NAME"), "{page}: {text}");
    }
    let text = std::fs::read_to_string(folder.path().join("wgrad-train.1")).expect("a page");
    assert!(text.contains("\\-\\-resume"), "{text}");
}

#[test]
fn the_version_names_wgpu() {
    let output = wgrad(&["--version", "--json"]);
    let row: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let lock = include_str!("../../Cargo.lock");
    for name in ["wgrad", "wgpu"] {
        let version = row[name].as_str().expect("a version");
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")), "{row}");
    }
    let text = String::from_utf8_lossy(&wgrad(&["-V"]).stdout).into_owned();
    assert!(text.starts_with("wgrad ") && text.contains("\nwgpu ") && text.contains("\nadapter: "), "{text}");
}

#[test]
fn misspelt_words_get_a_suggestion() {
    assert_error(&wgrad(&["trian"]), 2, &["trian", "train"]);
    assert_error(&wgrad(&["train", "--activaton", "relu"]), 2, &["--activaton", "--activation"]);
    assert_error(&wgrad(&["data", "fetch", "cifar01"]), 2, &["cifar01", "cifar10"]);
}

#[test]
fn keys_without_end_are_unknown_keys() {
    let key = "a.".repeat(60_000) + "a=1";
    assert_error(&wgrad(&["train", "--set", &key, "--print-config"]), 2, &["--set", "a.a"]);
}

#[test]
#[cfg(unix)]
fn names_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    let mut command = Command::cargo_bin("wgrad").expect("the program is built");
    let output = command.arg("eval").arg(name).output().expect("it starts");
    assert_error(&output, 1, &["error: ", "caf"]);
}

/// Where nobody reads stderr any more, the exit code still tells.
#[test]
#[cfg(unix)]
fn a_closed_stderr_is_no_panic() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let program = assert_cmd::cargo::cargo_bin("wgrad");
    let mut command = std::process::Command::new(program);
    let status = command.args(["eval", "nothing"]).stderr(writer).status().expect("it starts");
    assert_eq!(status.code(), Some(1));
}
