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

/// When a life ends.
#[derive(Debug)]
enum Moment {
    /// So long after its start.
    Starting(Duration),
    /// So long after it has written so many checkpoints.
    After(u32, Duration),
    /// So long after it began to write one more.
    Writing(u32, Duration),
}

impl Moment {
    fn random(random: &mut Sequence) -> Self {
        let (kind, writes) = ((random.uniform() * 3.0) as u32, (random.uniform() * 3.0) as u32 + 1);
        let within =
            |seconds: f64, random: &mut Sequence| Duration::from_secs_f64(random.uniform() * seconds);
        match kind {
            0 => Self::Starting(within(1.0, random)),
            // A step and its checkpoint lie within 30 ms, the writing alone within one or two.
            1 => Self::After(writes, within(0.03, random)),
            _ => Self::Writing(writes, within(0.001, random)),
        }
    }
}

/// Files that are being written, or were when the process was killed.
fn half_written(checkpoints: &Path) -> usize {
    let names = std::fs::read_dir(checkpoints).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with(".writing")).count()
}

/// Kills the process at that moment; false where it came to its end before.
fn kill_at(child: &mut Child, last: &Path, moment: &Moment) -> bool {
    let begun = Instant::now();
    let checkpoints = last.parent().expect("a folder");
    let (mut seen, mut written, mut at) = (changed(last), 0, None);
    loop {
        if child.try_wait().expect("it can be asked").is_some() {
            return false;
        }
        if changed(last) != seen {
            (seen, written) = (changed(last), written + 1);
        }
        if at.is_none() {
            at = match moment {
                Moment::Starting(rest) => Some(begun + *rest),
                Moment::After(writes, rest) => (written >= *writes).then(|| Instant::now() + *rest),
                Moment::Writing(writes, rest) => {
                    (written >= *writes && half_written(checkpoints) > 0).then(|| Instant::now() + *rest)
                }
            };
        }
        if at.is_some_and(|at| Instant::now() >= at) {
            // SIGKILL on Unix: the process cannot do anything any more.
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            return true;
        }
        std::thread::sleep(Duration::from_micros(50));
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
    let (mut done, mut lives, mut torn) = (0, 0, 0);
    while done < kills {
        let arguments = if broken.join("config.toml").exists() {
            vec!["train", "--resume", broken_name]
        } else {
            [&["train", "--out", broken_name], &settings[..]].concat()
        };
        let moment = Moment::random(&mut random);
        let mut child = start(&arguments);
        let killed = kill_at(&mut child, &last, &moment);
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
        let half = half_written(last.parent().expect("a folder")) > 0;
        torn += u32::from(half);
        let during = if half { ", a checkpoint half written" } else { "" };
        eprintln!("kill {done:>3}: {moment:?}: {state}{during}");
    }
    finish(start(&["train", "--resume", broken_name]));
    eprintln!("{done} kills in {lives} lives, {torn} of them while a checkpoint was written; seed {seed}");
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
