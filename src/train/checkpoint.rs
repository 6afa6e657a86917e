//! Checkpoints: everything that a run goes on from, in one safetensors file, written so that it is whole or not there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::watch::{Plateau, Watch};
use crate::gpu::Gpu;
use crate::kernels::optimizer::LossScale;
use crate::nn::{Network, Parameter, Weights};
use crate::{Error, Result};

/// Prefix of all names in checkpoints of PyTorch's `DataParallel`.
const MODULE: &str = "module.";
/// Records of the unfinished epoch: (sum of losses, right answers) of each step.
const RECORDS: &str = "train.records";
/// First letters of the names of files that are being written.
const TEMPORARY: &str = ".writing-";
/// Key of the progress in the file's metadata.
const PROGRESS: &str = "wgrad";

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// wgrad's version.
    pub version: String,
    /// The run's whole configuration, as TOML.
    pub config: String,
    /// SHA-256 of the training images and labels.
    pub dataset: String,
    /// The device's name and driver.
    pub device: String,
    /// Height, width and channels of the images; empty in files of older versions.
    #[serde(default)]
    pub input: Vec<usize>,
    /// Names of the classes; empty in files of older versions.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Which kernels compute the convolutions: a run goes on with those that it began with.
    #[serde(default)]
    pub kernels: BTreeMap<String, String>,
    /// Where mixed precision's loss scale stands; `None` in f32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// Finished epochs.
    pub epoch: u32,
    /// Steps done in the unfinished epoch.
    pub record: u32,
    /// Steps of the whole run.
    pub step: u32,
    /// Epoch of the best validation accuracy so far, from 1; 0 before the first.
    pub best_epoch: u32,
    /// Validation accuracy of that epoch.
    pub best_val_accuracy: Option<f64>,
    /// Validation accuracy of the last epoch.
    #[serde(default)]
    pub last_val_accuracy: Option<f64>,
    /// The monitored number by which an epoch is best.
    #[serde(default)]
    pub best: Watch,
    /// The monitored number by which a run ends early.
    #[serde(default)]
    pub stopping: Watch,
    /// How far plateaus have brought the learning rate down.
    #[serde(default)]
    pub plateau: Plateau,
    /// Seconds of training so far.
    pub seconds: f64,
    /// What the schedule's learning rate is multiplied by: halved at each rollback.
    #[serde(default = "one")]
    pub lr_factor: f64,
    /// Returns to an earlier checkpoint because of a loss that was not finite.
    #[serde(default)]
    pub rollbacks: u32,
}

fn one() -> f64 {
    1.0
}

/// A checkpoint in memory: tensors by name, in PyTorch's shapes.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Where the run stands; `None` for files from elsewhere.
    pub progress: Option<Progress>,
    /// Shape and values of each tensor.
    pub tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Checkpoint {
    /// Takes weights and statistics from the device.
    ///
    /// # Errors
    /// A lost device.
    pub fn capture(
        gpu: &Gpu,
        network: &Network,
        weights: &Weights,
        progress: Progress,
        records: &[[f32; 2]],
    ) -> Result<Self> {
        let mut tensors = HashMap::new();
        let sets = [(&weights.weight, &network.parameters), (&weights.statistics, &network.statistics)];
        for (buffer, list) in sets {
            for (parameter, values) in list.iter().zip(weights.get(gpu, buffer, list)?) {
                tensors.insert(parameter.name.clone(), (parameter.shape.clone(), values));
            }
        }
        let flat: Vec<f32> = records.iter().flatten().copied().collect();
        tensors.insert(RECORDS.to_owned(), (vec![records.len(), 2], flat));
        Ok(Self { progress: Some(progress), tensors })
    }

    /// Puts weights and statistics onto the device, and nothing else.
    ///
    /// # Errors
    /// As [`Checkpoint::check`].
    pub fn restore_weights(
        &self,
        path: &Path,
        gpu: &Gpu,
        network: &Network,
        weights: &Weights,
    ) -> Result<()> {
        self.check(path, network)?;
        for parameter in network.parameters.iter().chain(&network.statistics) {
            weights.set(gpu, parameter, self.values(path, &network.name, parameter)?)?;
        }
        Ok(())
    }

    /// Whether the file holds the network's tensors, in their shapes, and no others. What training adds is no matter, nor
    /// is the prefix `module.` of PyTorch's `DataParallel`.
    ///
    /// # Errors
    /// The first tensor that is missing, has another shape, or is none of the network's.
    pub fn check(&self, path: &Path, network: &Network) -> Result<()> {
        let known: HashSet<&str> = network
            .parameters
            .iter()
            .chain(&network.statistics)
            .map(|parameter| self.values(path, &network.name, parameter).map(|_| parameter.name.as_str()))
            .collect::<Result<_>>()?;
        // What else is in a file that wgrad wrote is the state of its training.
        if self.progress.is_some() {
            return Ok(());
        }
        let mut others: Vec<_> = self
            .tensors
            .keys()
            .filter(|name| !known.contains(name.strip_prefix(MODULE).unwrap_or(name)))
            .collect();
        others.sort();
        let Some(other) = others.first() else { return Ok(()) };
        let (model, count) = (&network.name, others.len());
        Err(Error::checkpoint(
            path,
            format!(
                "has a tensor {other} ({count} such), which {model} does not have: it was written by another model"
            ),
        ))
    }

    /// A tensor of the network, in PyTorch's order of elements.
    ///
    /// # Errors
    /// It is missing or has another shape.
    pub fn values(&self, path: &Path, model: &str, parameter: &Parameter) -> Result<&[f32]> {
        let name = &parameter.name;
        let found = self.tensors.get(name).or_else(|| self.tensors.get(&format!("{MODULE}{name}")));
        let Some((shape, values)) = found else {
            let reason =
                format!("has no tensor {name}, which {model} needs: it was written by another model");
            return Err(Error::checkpoint(path, reason));
        };
        if *shape != parameter.shape {
            let reason = format!(
                "tensor {name} has shape {shape:?}, {model} needs {:?}: it was written by another model",
                parameter.shape
            );
            return Err(Error::checkpoint(path, reason));
        }
        Ok(values)
    }

    /// The network's tensors alone, with what is known of its training: a file for other programs.
    ///
    /// # Errors
    /// As [`Checkpoint::check`].
    pub fn weights_only(&self, path: &Path, network: &Network) -> Result<Self> {
        self.check(path, network)?;
        let mut tensors = HashMap::new();
        for parameter in network.parameters.iter().chain(&network.statistics) {
            let values = self.values(path, &network.name, parameter)?.to_vec();
            tensors.insert(parameter.name.clone(), (parameter.shape.clone(), values));
        }
        Ok(Self { progress: self.progress.clone(), tensors })
    }

    /// The records of the unfinished epoch.
    pub fn records(&self) -> Vec<[f32; 2]> {
        let flat = self.tensors.get(RECORDS).map_or(&[][..], |tensor| &tensor.1);
        flat.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect()
    }

    /// Reads a file. Whole numbers, such as PyTorch's `num_batches_tracked`, are left out.
    ///
    /// # Errors
    /// A file that cannot be read, is no whole safetensors file, or has fractions that are not f32.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let damaged = |e: &dyn std::fmt::Display| {
            Error::checkpoint(path, format!("is damaged or no safetensors file ({e})"))
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(&e))?;
        let progress = match header.metadata().as_ref().and_then(|metadata| metadata.get(PROGRESS)) {
            Some(json) => Some(serde_json::from_str(json).map_err(|e| damaged(&e))?),
            None => None,
        };
        if let Some((name, view)) = file.tensors().iter().find(|(_, view)| is_other_float(view.dtype())) {
            let (reason, dtype) = ("wgrad reads F32: convert the file first", view.dtype());
            return Err(Error::checkpoint(path, format!("tensor {name} is {dtype:?}; {reason}")));
        }
        let tensors = file
            .tensors()
            .into_iter()
            .filter(|(_, view)| view.dtype() == Dtype::F32)
            .map(|(name, view)| {
                let values =
                    view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                (name, (view.shape().to_vec(), values.collect()))
            })
            .collect();
        Ok(Self { progress, tensors })
    }

    /// Writes the file: a temporary file beside it, flushed to the disk, then renamed.
    ///
    /// # Errors
    /// A folder that cannot be written, or a full disk; what was there before stays.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, &self.to_bytes(path)?)
    }

    /// As [`Checkpoint::write`]; the file that was there before is kept as `previous`.
    ///
    /// # Errors
    /// As [`Checkpoint::write`].
    pub fn write_keeping(&self, path: &Path, previous: &Path) -> Result<()> {
        let bytes = self.to_bytes(path)?;
        let temporary = write_temporary(path, &bytes)?;
        if path.exists() {
            // A second name first: at no time is there no checkpoint under the first one.
            let _ = std::fs::remove_file(previous);
            std::fs::hard_link(path, previous)
                .or_else(|_| std::fs::copy(path, previous).map(drop))
                .map_err(Error::io("write", previous))?;
        }
        put_in_place(temporary, path)
    }

    /// The first tensor with an element that is not finite.
    pub fn not_finite(&self) -> Option<&str> {
        let bad = |values: &Vec<f32>| values.iter().any(|value| !value.is_finite());
        self.tensors.iter().filter(|(_, (_, values))| bad(values)).map(|(name, _)| name.as_str()).min()
    }

    fn to_bytes(&self, path: &Path) -> Result<Vec<u8>> {
        let mut views = Vec::with_capacity(self.tensors.len());
        for (name, (shape, values)) in &self.tensors {
            let bytes: &[u8] = bytemuck::cast_slice(values);
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
                .map_err(|e| Error::checkpoint(path, format!("tensor {name}: {e}")))?;
            views.push((name.as_str(), view));
        }
        let metadata = match &self.progress {
            Some(progress) => {
                let json = serde_json::to_string(progress)
                    .map_err(|e| Error::checkpoint(path, format!("progress has no JSON form: {e}")))?;
                Some(HashMap::from([(PROGRESS.to_owned(), json)]))
            }
            None => None,
        };
        safetensors::serialize(views, metadata)
            .map_err(|e| Error::checkpoint(path, format!("has no safetensors form: {e}")))
    }
}

fn is_other_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F64 | Dtype::F16 | Dtype::BF16)
}

/// Writes a file so that a crash leaves the old one or the new one, never half of it.
///
/// # Errors
/// A folder that cannot be written, or a full disk; what was there before stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    put_in_place(write_temporary(path, bytes)?, path)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file beside `path`, on the disk.
fn write_temporary(path: &Path, bytes: &[u8]) -> Result<NamedTempFile> {
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    // A temporary file is its owner's alone; a run's files have the rights of any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary =
        builder.prefix(TEMPORARY).tempfile_in(folder).map_err(Error::io("create a file in", folder))?;
    temporary.write_all(bytes).map_err(Error::io("write", path))?;
    temporary.as_file().sync_all().map_err(Error::io("write", path))?;
    Ok(temporary)
}

fn put_in_place(temporary: NamedTempFile, path: &Path) -> Result<()> {
    temporary.persist(path).map_err(|e| Error::io("write", path)(e.error))?;
    // A rename is safe only once the folder is on the disk; Windows has no such call.
    #[cfg(unix)]
    {
        let folder = folder_of(path);
        std::fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::io("sync", folder))?;
    }
    Ok(())
}

/// Removes what writes that were cut off have left in a folder.
pub(super) fn remove_leftovers(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
