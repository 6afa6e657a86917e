//! What goes wrong around a run: signals, full disks, vanished folders, a second process, damaged checkpoints.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use wgrad::train::{Checkpoint, RunFolder};

use super::cli::small_data;

struct Setup {
    folder: tempfile::TempDir,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder");
        small_data(&data);
        Self { folder }
    }

    fn run(&self) -> String {
        self.folder.path().join("run").to_str().expect("UTF-8").to_owned()
    }

    fn last(&self) -> std::path::PathBuf {
        self.folder.path().join("run/checkpoints/last.safetensors")
    }

    /// Arguments of a run of four steps an epoch.
    fn train(&self, epochs: u32) -> Vec<String> {
        let data = self.folder.path().join("data").to_str().expect("UTF-8").to_owned();
        let epochs = epochs.to_string();
        let words = [
            "train",
            "--model",
            "resnet8",
            "--batch",
            "8",
            "--tune",
            "off",
            "--set",
            "eval_batch=10",
            "--epochs",
            &epochs,
            "--data",
            &data,
            "--out",
            &self.run(),
        ];
        words.map(str::to_owned).to_vec()
    }

    fn resume(&self) -> Vec<String> {
        ["train", "--resume", &self.run()].map(str::to_owned).to_vec()
    }
}

fn start(arguments: &[String]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("wgrad"));
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
}

fn end(child: Child) -> (Option<i32>, String) {
    let output: Output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[track_caller]
fn assert_end(child: Child, code: i32, words: &[&str]) {
    let (got, text) = end(child);
    assert_eq!(got, Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

/// Waits until the run has written a checkpoint after its first.
fn wait_for_step(last: &Path) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(120) {
        if Checkpoint::read(last).is_ok_and(|checkpoint| checkpoint.progress.expect("progress").step > 0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no step in two minutes");
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("kill");
    assert!(done.success());
}

#[cfg(unix)]
#[test]
fn signals_write_a_checkpoint_and_say_how_to_go_on() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let setup = Setup::new();
        let child = start(&setup.train(100_000));
        wait_for_step(&setup.last());
        signal(&child, name);
        assert_end(
            child,
            code,
            &["stopping after this step", "stopped at step", "wgrad train --resume", &setup.run()],
        );
        let progress = Checkpoint::read(&setup.last()).expect("a checkpoint").progress.expect("progress");
        assert!(progress.step > 0, "{progress:?}");
    }
}

/// A process whose step takes long (its batch is large) does not wait for it after a second signal.
#[cfg(unix)]
#[test]
fn a_second_signal_ends_at_once() {
    let setup = Setup::new();
    let mut arguments = setup.train(100_000);
    arguments.extend(["--model", "resnet20", "--data", "sample", "--batch", "1900"].map(str::to_owned));
    let arguments: Vec<String> = {
        // The last of two equal flags would be refused.
        let mut seen = std::collections::BTreeMap::new();
        let mut rest = vec!["train".to_owned()];
        for pair in arguments[1..].chunks(2) {
            seen.insert(pair[0].clone(), pair[1].clone());
        }
        seen.into_iter().for_each(|(key, value)| rest.extend([key, value]));
        rest
    };
    let child = start(&arguments);
    let begun = Instant::now();
    while !setup.last().exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    let stopped = Instant::now();
    let (code, text) = end(child);
    assert_eq!(code, Some(130), "{text}");
    assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());
    assert!(!text.contains("stopped at step"), "the step was not waited for: {text}");
}

/// A limit on the size of files is what a full disk is to the program: a write that fails in its middle.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_checkpoint_before() {
    let setup = Setup::new();
    let large = setup.train(1).into_iter().map(|word| word.replace("resnet8", "mlp_1x256"));
    assert_end(start(&large.collect::<Vec<_>>()), 0, &[]);
    let before = std::fs::read(setup.last()).expect("a checkpoint");
    assert!(before.len() > 5 << 20, "{} bytes", before.len());
    let program = assert_cmd::cargo::cargo_bin!("wgrad");
    let mut command = Command::new("bash");
    // 4 MiB, less than the checkpoint: a driver may keep what it compiles in files in memory, of the same limit. Without the trap the
    // system would end the process.
    command.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$@\"", "bash"]).arg(program);
    let run = setup.run();
    let resume = ["train", "--resume", &run, "--epochs", "3", "--force"];
    let child = command.args(resume).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    assert_end(child, 1, &["error: cannot write", "checkpoints/", "too large"]);
    assert_eq!(std::fs::read(setup.last()).expect("a checkpoint"), before, "the checkpoint is as it was");
    let names: Vec<_> =
        std::fs::read_dir(setup.last().parent().expect("a folder")).expect("a folder").collect();
    assert_eq!(names.len(), 4, "nothing half is left: {names:?}");
    assert_end(start(&resume.map(str::to_owned)), 0, &["epoch   3"]);
}

#[test]
fn a_folder_that_vanishes_is_named() {
    let setup = Setup::new();
    let child = start(&setup.train(100_000));
    wait_for_step(&setup.last());
    let checkpoints = setup.last().parent().expect("a folder").to_path_buf();
    std::fs::rename(&checkpoints, setup.folder.path().join("elsewhere")).expect("it can be moved");
    assert_end(child, 1, &["error: cannot", "checkpoints"]);
    assert!(Checkpoint::read(&setup.folder.path().join("elsewhere/last.safetensors")).is_ok());
}

#[test]
fn a_run_has_one_process_and_a_crash_sets_it_free() {
    let setup = Setup::new();
    let mut first = start(&setup.train(100_000));
    wait_for_step(&setup.last());
    assert_end(start(&setup.resume()), 2, &["error: ", &setup.run(), "another wgrad"]);
    let training = || RunFolder::is_training(Path::new(&setup.run()));
    assert_eq!(training(), Some(true));
    first.kill().expect("it can be killed");
    first.wait().expect("it ends");
    assert_eq!(training(), Some(false));
    let mut resume = setup.resume();
    let steps = Checkpoint::read(&setup.last()).expect("a checkpoint").progress.expect("progress").step + 2;
    resume.extend(["--steps".to_owned(), steps.to_string(), "--force".to_owned()]);
    assert_end(start(&resume), 0, &["the run goes on as another one", "steps was none, is"]);
}

#[test]
fn a_damaged_checkpoint_is_not_the_end() {
    let setup = Setup::new();
    assert_end(start(&setup.train(3)), 0, &[]);
    let whole = std::fs::read(setup.last()).expect("a checkpoint");
    std::fs::write(setup.last(), &whole[..whole.len() / 2]).expect("a file is written");
    assert_end(start(&setup.resume()), 0, &["damaged", "previous.safetensors", "epoch   3"]);
    let (again, first) =
        (Checkpoint::read(&setup.last()).expect("a checkpoint"), setup.folder.path().join("first"));
    std::fs::write(&first, &whole).expect("a file is written");
    assert_eq!(again.tensors, Checkpoint::read(&first).expect("a checkpoint").tensors, "to the same bits");
    let previous = setup.last().with_file_name("previous.safetensors");
    Checkpoint::read(&previous).expect("what is damaged is never kept as the one before");
    for file in [setup.last(), previous] {
        std::fs::write(file, "nothing").expect("a file is written");
    }
    assert_end(start(&setup.resume()), 1, &["previous.safetensors", "damaged"]);
}
