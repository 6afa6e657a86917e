//! `wgrad data`

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use wgrad::data::fetch::{ARCHIVES, Event, Patience, archive, fetch};
use wgrad::data::{Verdict, data_folder, verify};
use wgrad::{Error, Result};

use super::Context;

#[derive(clap::Args)]
pub(super) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Subcommand)]
enum DataCommand {
    /// Download a data set from its authors and check it; a download that was cut off goes on
    Fetch(FetchArgs),
    /// Compare the files of a data set with their published checksums
    Verify(VerifyArgs),
}

#[derive(clap::Args)]
struct FetchArgs {
    /// Which data set
    #[arg(value_parser = PossibleValuesParser::new(ARCHIVES.map(|archive| archive.name)))]
    name: String,
    /// Folder that gets the data set's own folder [default: the user's data folder] [env: WGRAD_DATA]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Another address of the same archive; its checksum must be the same
    #[arg(long)]
    url: Option<String>,
}

#[derive(clap::Args)]
struct VerifyArgs {
    /// Folder of a data set [default: all that `data fetch` has got]
    folder: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &DataArgs) -> Result<()> {
    match &args.command {
        DataCommand::Fetch(args) => run_fetch(context, args),
        DataCommand::Verify(args) => run_verify(context, args.folder.as_deref()),
    }
}

fn run_fetch(context: &Context, args: &FetchArgs) -> Result<()> {
    let Some(archive) = archive(&args.name) else {
        return Err(Error::usage(format!("unknown data set {}", args.name)));
    };
    let to = args.to.clone().map_or_else(data_folder, Ok)?;
    let url = args.url.as_deref().unwrap_or(archive.url);
    context.output.note(format!("{url}, {}, to {}", HumanBytes(archive.bytes), to.display()));
    let mut meter = Meter::new(context, archive.bytes);
    let fetched = fetch(archive, url, &to, Patience::default(), &mut |event| meter.show(context, &event));
    meter.bar.finish_and_clear();
    let folder = fetched?;
    let data = if args.to.is_none() { args.name.clone() } else { folder.display().to_string() };
    context
        .output
        .result(&json!({"name": archive.name, "folder": folder}), || format!("{}", folder.display()))?;
    context.output.note(format!("next: wgrad train --data {data}"));
    Ok(())
}

/// A bar on a terminal, elsewhere a line every few seconds.
struct Meter {
    bar: ProgressBar,
    drawn: Instant,
}

impl Meter {
    fn new(context: &Context, bytes: u64) -> Self {
        let target =
            if context.output.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(bytes), target);
        let template = "{bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  {elapsed} < {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self { bar, drawn: Instant::now() }
    }

    fn show(&mut self, context: &Context, event: &Event) {
        match event {
            Event::Note(text) => self.bar.suspend(|| context.output.note(text)),
            Event::Bytes(done, all) => {
                self.bar.set_position(*done);
                if self.bar.is_hidden() && self.drawn.elapsed() > Duration::from_secs(5) {
                    self.drawn = Instant::now();
                    context.output.note(format!("{} of {}", HumanBytes(*done), HumanBytes(*all)));
                }
            }
        }
    }
}

fn run_verify(context: &Context, folder: Option<&Path>) -> Result<()> {
    let verdicts = match folder {
        Some(folder) => verify(folder)?,
        None => {
            let root = data_folder()?;
            let there = ARCHIVES.iter().map(|archive| root.join(archive.folder)).filter(|path| path.is_dir());
            let verdicts: Vec<Verdict> =
                there.map(|path| verify(&path)).collect::<Result<Vec<_>>>()?.concat();
            if verdicts.is_empty() {
                let reason =
                    "holds no data set yet: get one with `wgrad data fetch cifar10`, or name a folder";
                return Err(Error::data(root, reason));
            }
            verdicts
        }
    };
    context.output.result(&verdicts, || verdicts.iter().map(line).collect::<Vec<_>>().join("\n"))?;
    match verdicts.iter().filter(|verdict| !verdict.ok).count() {
        0 => Ok(()),
        wrong => {
            let all = verdicts.len();
            Err(Error::data(
                folder.map_or_else(data_folder, |folder| Ok(folder.to_path_buf()))?,
                format!("{wrong} of {all} files are not the published ones"),
            ))
        }
    }
}

fn line(verdict: &Verdict) -> String {
    let Verdict { path, ok, reason } = verdict;
    format!("{}  {path}: {reason}", if *ok { "ok   " } else { "WRONG" })
}
