//! One run, killed again and again at random moments, ends in the bits of a run that nobody disturbed.
//!
//! `WGRAD_KILLS` sets how often (5), `WGRAD_KILL_SEED` the moments. The long form, with its log on stderr:
//! `WGRAD_KILLS=50 cargo test --release --test device kills -- --nocapture`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use wgrad::rng::{Sequence, Stream};
use wgrad::train::{Checkpoint, metrics};

use super::cli::small_data;

fn variable(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("wgrad"));
    command.args(arguments).arg("--quiet").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

fn finish(child: Child) {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn bits(path: &Path) -> BTreeMap<String, Vec<u32>> {
    let checkpoint = Checkpoint::read(path).expect("a whole checkpoint");
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    checkpoint.tensors.into_iter().map(|(name, (_, values))| (name, bits(values))).collect()
}

/// What does not depend on the clock.
fn lines(run: &Path) -> Vec<(u32, u64, u64, u64, u64, Option<u64>)> {
    let metrics = metrics::read(&run.join("metrics.jsonl")).expect("metrics");
    let bits = f64::to_bits;
    let line = |m: &metrics::EpochMetrics| {
        (m.epoch, m.step, bits(m.lr), bits(m.train_loss), bits(m.train_accuracy), m.val_loss.map(bits))
    };
    metrics.iter().map(line).collect()
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Lets the run write `writes` checkpoints and live `rest` longer, then kills it; false where it came to its end.
fn kill_after(child: &mut Child, last: &Path, writes: u32, rest: Duration) -> bool {
    let mut seen = changed(last);
    let mut left = writes;
    let mut at: Option<Instant> = if left == 0 { Some(Instant::now() + rest) } else { None };
    loop {
        if child.try_wait().expect("it can be asked").is_some() {
            return false;
        }
        let now = changed(last);
        if left > 0 && now != seen {
            seen = now;
            left -= 1;
            at = if left == 0 { Some(Instant::now() + rest) } else { None };
        }
        if at.is_some_and(|at| Instant::now() >= at) {
            // SIGKILL on Unix: the process cannot do anything any more.
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            return true;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}

#[test]
fn a_run_killed_at_random_moments_ends_in_the_same_bits() {
    let (kills, seed) = (variable("WGRAD_KILLS", 5), variable("WGRAD_KILL_SEED", 1));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [data, whole, broken] = ["data", "whole", "broken"].map(|name| folder.path().join(name));
    std::fs::create_dir(&data).expect("a folder");
    small_data(&data);
    // 32 images train in 4 steps an epoch; every step writes a checkpoint. Three epochs for each kill leave none without work.
    let epochs = (kills + 2).to_string();
    let settings = [
        "--model",
        "resnet8",
        "--activation",
        "dropact",
        "--batch",
        "8",
        "--epochs",
        &epochs,
        "--tune",
        "off",
        "--set",
        "checkpoint.steps=1",
        "--set",
        "eval_batch=10",
        "--data",
        data.to_str().expect("UTF-8"),
    ];
    let [whole_name, broken_name] = [&whole, &broken].map(|path| path.to_str().expect("UTF-8"));
    let begun = Instant::now();
    finish(start(&[&["train", "--out", whole_name], &settings[..]].concat()));
    eprintln!("undisturbed: {epochs} epochs of 4 steps in {:.1} s", begun.elapsed().as_secs_f64());

    let last = broken.join("checkpoints/last.safetensors");
    let mut random = Sequence::new(seed, Stream::Shuffle, 0, 99);
    let (mut done, mut lives) = (0, 0);
    while done < kills {
        let arguments = if broken.join("config.toml").exists() {
            vec!["train", "--resume", broken_name]
        } else {
            [&["train", "--out", broken_name], &settings[..]].concat()
        };
        // 0 to 3 whole checkpoints, then a moment within the next 30 ms, in which a step and its checkpoint lie; or, without one,
        // within the first second: while it starts.
        let writes = (random.uniform() * 4.0) as u32;
        let rest = Duration::from_secs_f64(random.uniform() * if writes == 0 { 1.0 } else { 0.03 });
        let mut child = start(&arguments);
        let killed = kill_after(&mut child, &last, writes, rest);
        lives += 1;
        if !killed {
            finish(child);
            break;
        }
        done += 1;
        let state = match Checkpoint::read(&last) {
            Ok(checkpoint) => {
                let progress = checkpoint.progress.expect("progress");
                format!(
                    "step {} (epoch {}, {} steps into the next)",
                    progress.step, progress.epoch, progress.record
                )
            }
            Err(error) if !last.exists() => format!("no checkpoint yet ({error})"),
            Err(error) => panic!("seed {seed}, kill {done}: {error}"),
        };
        let left = std::fs::read_dir(broken.join("checkpoints")).map_or(0, |entries| {
            entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with(".writing")).count()
        });
        let during = if left > 0 { ", while it wrote a checkpoint" } else { "" };
        eprintln!("kill {done:>3}: after {writes} checkpoints and {rest:?}: {state}{during}");
    }
    finish(start(&["train", "--resume", broken_name]));
    eprintln!("{done} kills in {lives} lives, seed {seed}");
    assert!(done * 2 >= kills, "seed {seed}: the run ended after {done} kills: no test of many");
    for file in ["last", "best"] {
        let [a, b] = [&whole, &broken].map(|run| bits(&run.join(format!("checkpoints/{file}.safetensors"))));
        assert_eq!(a.len(), b.len());
        for (name, values) in &a {
            assert_eq!(values, &b[name], "seed {seed}: {file}: {name}");
        }
    }
    assert_eq!(lines(&whole), lines(&broken), "seed {seed}");
    let entries = std::fs::read_dir(broken.join("checkpoints")).expect("a folder").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, [".lock", "best.safetensors", "last.safetensors", "previous.safetensors"]);
    eprintln!("last and best checkpoint: equal bit for bit; metrics: equal");
}
