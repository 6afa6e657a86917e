//! Checkpoints: everything that a run goes on from, in one safetensors file, written so that it is whole or not there.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::watch::{Plateau, Watch};
use crate::gpu::Gpu;
use crate::kernels::optimizer::LossScale;
use crate::nn::{Network, Parameter, Weights};
use crate::{Error, Result};

/// Records of the unfinished epoch: (sum of losses, right answers) of each step.
const RECORDS: &str = "train.records";
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

    /// Puts weights and statistics onto the device.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape: the file belongs to another model.
    pub fn restore(&self, path: &Path, gpu: &Gpu, network: &Network, weights: &Weights) -> Result<()> {
        for parameter in network.parameters.iter().chain(&network.statistics) {
            weights.set(gpu, parameter, self.tensor(path, &network.name, parameter)?)?;
        }
        Ok(())
    }

    fn tensor(&self, path: &Path, model: &str, parameter: &Parameter) -> Result<&[f32]> {
        let name = &parameter.name;
        let found = self.tensors.get(name).or_else(|| self.tensors.get(&format!("module.{name}")));
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

    /// The records of the unfinished epoch.
    pub fn records(&self) -> Vec<[f32; 2]> {
        let flat = self.tensors.get(RECORDS).map_or(&[][..], |tensor| &tensor.1);
        flat.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect()
    }

    /// Reads a file; f32 tensors only, others are left out.
    ///
    /// # Errors
    /// A file that cannot be read or is no whole safetensors file.
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
        let bytes = safetensors::serialize(views, metadata)
            .map_err(|e| Error::checkpoint(path, format!("has no safetensors form: {e}")))?;
        write_whole(path, &bytes)
    }
}

/// Writes a file so that a crash leaves the old one or the new one, never half of it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // A temporary file is its owner's alone; a run's files have the rights of any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder).map_err(Error::io("create a file in", folder))?;
    temporary.write_all(bytes).map_err(Error::io("write", path))?;
    temporary.as_file().sync_all().map_err(Error::io("write", path))?;
    temporary.persist(path).map_err(|e| Error::io("write", path)(e.error))?;
    // A rename is safe only once the folder is on the disk; Windows has no such call.
    #[cfg(unix)]
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io("sync", folder))?;
    Ok(())
}
