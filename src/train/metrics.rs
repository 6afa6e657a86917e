//! What a run reports: one JSON line per epoch (`metrics.jsonl`) and a summary (`summary.json`).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use crate::config::Tta;
use crate::error::{Error, Result};

/// One finished epoch. Accuracies are shares, 0..1. A loss that is not finite is written as `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Number of the epoch, from 1.
    pub epoch: u32,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Learning rate of the epoch's last step.
    #[serde(deserialize_with = "number_or_nan")]
    pub lr: f64,
    /// Mean loss per training image, as seen while training (random masks and augmentation on).
    #[serde(deserialize_with = "number_or_nan")]
    pub train_loss: f64,
    /// Share of training images classified rightly, as seen while training.
    #[serde(deserialize_with = "number_or_nan")]
    pub train_accuracy: f64,
    /// Mean loss per validation image; `None` without validation.
    pub val_loss: Option<f64>,
    /// Share of validation images classified rightly; `None` without validation.
    pub val_accuracy: Option<f64>,
    /// Seconds that the epoch took, validation included.
    #[serde(deserialize_with = "number_or_nan")]
    pub seconds: f64,
    /// Training images per second, without validation.
    #[serde(deserialize_with = "number_or_nan")]
    pub images_per_second: f64,
}

/// The end of a run. Accuracies are shares, 0..1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the network.
    pub model: String,
    /// Activation SPEC.
    pub activation: String,
    /// Number of trained parameters.
    pub parameters: u64,
    /// Epochs that were run.
    pub epochs: u32,
    /// Epoch of the best checkpoint, from 1.
    pub best_epoch: u32,
    /// Validation accuracy at that epoch; `None` without validation.
    pub best_val_accuracy: Option<f64>,
    /// Validation accuracy of the last epoch; `None` without validation.
    #[serde(default)]
    pub last_val_accuracy: Option<f64>,
    /// Test accuracy of the last checkpoint; `None` in summaries of older versions.
    #[serde(default)]
    pub last_test_accuracy: Option<f64>,
    /// Test accuracy of the best checkpoint.
    #[serde(deserialize_with = "number_or_nan")]
    pub test_accuracy: f64,
    /// Mean test loss of the best checkpoint.
    #[serde(deserialize_with = "number_or_nan")]
    pub test_loss: f64,
    /// The views that tests averaged, where not of plain images.
    #[serde(default, skip_serializing_if = "Tta::is_none")]
    pub tta: Tta,
    /// Seconds of the whole run.
    #[serde(deserialize_with = "number_or_nan")]
    pub seconds: f64,
    /// Name of the device.
    pub device: String,
    /// Seed of the run.
    pub seed: u32,
}

/// JSON has no NaN: it is written as null and read back here.
fn number_or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

impl Summary {
    /// Writes the summary as indented JSON.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("a summary has a JSON form");
        super::checkpoint::write_whole(path, (text + "\n").as_bytes())
    }

    /// Reads a summary.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read, [`Error::Data`] where it is no summary.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        serde_json::from_str(&text).map_err(|error| Error::data(path, format!("not a summary ({error})")))
    }
}

/// Appends to `metrics.jsonl`, one line per epoch, each on disk before `append` returns.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    path: PathBuf,
}

impl MetricsLog {
    /// Starts an empty log, over an old one if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Error::io("create", path))?;
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// Continues a log after `epoch` finished epochs: later lines, and a torn last one, are cut off. The lines that
    /// stay keep their bytes. A missing log starts empty.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be changed, [`Error::Data`] where a line is not an epoch's metrics.
    pub fn resume(path: &Path, epoch: u32) -> Result<Self> {
        let text = if path.exists() { read_text(path)? } else { String::new() };
        let kept =
            lines(path, &text)?.into_iter().filter(|(_, m)| m.epoch <= epoch).map(|(end, _)| end).max();
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).open(path).map_err(Error::io("open", path))?;
        file.set_len(kept.unwrap_or(0) as u64).map_err(Error::io("shorten", path))?;
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// Adds one line.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be written.
    pub fn append(&mut self, metrics: &EpochMetrics) -> Result<()> {
        let line = serde_json::to_string(metrics).expect("metrics have a JSON form") + "\n";
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(Error::io("write", &self.path))
    }
}

/// Reads a log. A last line without its line break, torn by a crash, is left out.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::Data`] where a line is not an epoch's metrics.
pub fn read(path: &Path) -> Result<Vec<EpochMetrics>> {
    let text = read_text(path)?;
    Ok(lines(path, &text)?.into_iter().map(|(_, metrics)| metrics).collect())
}

/// The text of a log; what a crash left of half a character only spoils its own line.
fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    String::from_utf8(bytes[..complete].to_vec())
        .map_err(|_| Error::data(path, "not text: expected one JSON object a line"))
}

/// Every complete line's metrics, with the offset of the line's end in bytes.
fn lines(path: &Path, text: &str) -> Result<Vec<(usize, EpochMetrics)>> {
    let mut end = 0;
    let mut found = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        end += line.len();
        let metrics = serde_json::from_str(line).map_err(|error| {
            Error::data(path, format!("line {} is not an epoch's metrics ({error})", index + 1))
        })?;
        found.push((end, metrics));
    }
    Ok(found)
}
