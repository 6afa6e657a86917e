//! Which checkpoint a run goes on from, and whether it may.

use std::path::{Path, PathBuf};

use super::checkpoint::{Checkpoint, Progress, remove_leftovers, write_whole};
use super::folder::RunFolder;
use crate::config::{Difference, Effect, RunConfig};
use crate::{Error, Result};

/// The newest checkpoint of a run that can be read: the last one, or the one before it.
pub(super) fn newest(folder: &RunFolder) -> Result<Option<(PathBuf, Progress, Checkpoint)>> {
    let (last, previous) = (folder.last(), folder.previous());
    if let Some(checkpoints) = last.parent() {
        remove_leftovers(checkpoints);
    }
    if !last.exists() && !previous.exists() {
        return Ok(None);
    }
    match read(&last) {
        Ok(found) => Ok(Some(found)),
        Err(error) if previous.exists() => {
            tracing::warn!("{error}; going on from the checkpoint before it, {}", previous.display());
            let found = read(&previous)?;
            // What is damaged must never take the place of the one before.
            let bytes = std::fs::read(&previous).map_err(Error::io("read", &previous))?;
            write_whole(&last, &bytes)?;
            Ok(Some(found))
        }
        Err(error) => Err(error),
    }
}

fn read(path: &Path) -> Result<(PathBuf, Progress, Checkpoint)> {
    let checkpoint = Checkpoint::read(path)?;
    let progress = checkpoint.progress.clone();
    let progress = progress.ok_or_else(|| Error::checkpoint(path, "was not written by a wgrad run"))?;
    Ok((path.to_path_buf(), progress, checkpoint))
}

/// Whether a run may go on from a checkpoint with this configuration, data set, device and version.
pub(super) fn compare(
    path: &Path,
    old: &Progress,
    new: &Progress,
    config: &RunConfig,
    force: bool,
) -> Result<()> {
    if old.dataset != new.dataset {
        let reason = "belongs to another data set: resume with the data that the run began with";
        return Err(Error::checkpoint(path, reason));
    }
    let differences = config.differences(&old.config, old.record > 0);
    let of = |effect: Effect| -> Vec<String> {
        differences.iter().filter(|d| d.effect == effect).map(Difference::to_string).collect()
    };
    let corrupting = of(Effect::Corrupts);
    if !corrupting.is_empty() {
        let reason = format!(
            "was written with another config.toml, with which the run cannot go on: {}; put it back, or start a new run",
            corrupting.join("; ")
        );
        return Err(Error::checkpoint(path, reason));
    }
    let mut changes = of(Effect::Change);
    for (what, was, is) in [("wgrad", &old.version, &new.version), ("the device", &old.device, &new.device)] {
        if was != is {
            changes.push(format!("{what} was {was}, is {is}"));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let changes = changes.join("; ");
    if force {
        tracing::warn!("the run goes on as another one: {changes}");
        return Ok(());
    }
    let reason = format!(
        "was written with another config.toml, device or version: {changes}; from here on the run would be another one: put it \
         back, or go on with --force"
    );
    Err(Error::checkpoint(path, reason))
}
