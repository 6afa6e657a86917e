//! A RUN folder or a CKPT file, as `eval`, `predict` and `export` take it.

use std::path::{Path, PathBuf};

use wgrad::config::RunConfig;
use wgrad::data::{Dataset, Source, load};
use wgrad::gpu::Gpu;
use wgrad::kernels::conv::Choices;
use wgrad::nn::{Network, Weights};
use wgrad::train::{Checkpoint, RunFolder, build_network};
use wgrad::{Error, Result};

/// A trained network: its configuration and weights.
pub struct Trained {
    /// The checkpoint's file.
    pub path: PathBuf,
    /// How it was trained.
    pub config: RunConfig,
    checkpoint: Checkpoint,
}

impl Trained {
    /// Opens a run folder (its best checkpoint) or a checkpoint file. A file that wgrad did not write needs `model`.
    ///
    /// # Errors
    /// Neither a run nor a checkpoint, or a damaged file.
    pub fn open(path: &Path, model: Option<&str>, activation: Option<&str>) -> Result<Self> {
        let (file, folder_config) = if path.is_dir() {
            let (folder, config) = RunFolder::open(path)?;
            let file = if folder.best().exists() { folder.best() } else { folder.last() };
            (file, Some(config))
        } else {
            (path.to_path_buf(), None)
        };
        let checkpoint = Checkpoint::read(&file)?;
        let written = checkpoint.progress.as_ref().map(|progress| progress.config.clone());
        let mut config = match (folder_config, written) {
            (Some(config), _) => config,
            (None, Some(text)) => RunConfig::from_toml(&text, "checkpoint")?,
            (None, None) if model.is_some() => RunConfig::default(),
            (None, None) => {
                let reason = "was not written by wgrad: name its network with --model (and --activation)";
                return Err(Error::checkpoint(file, reason));
            }
        };
        if let Some(model) = model {
            model.clone_into(&mut config.model);
        }
        if let Some(activation) = activation {
            activation.clone_into(&mut config.activation);
        }
        Ok(Self { path: file, config, checkpoint })
    }

    /// The data set that the run used, or the one that is named.
    ///
    /// # Errors
    /// As [`load`].
    pub fn dataset(&self, named: Option<&str>) -> Result<Dataset> {
        load(&named.unwrap_or(&self.config.data.source).parse::<Source>()?)
    }

    /// The kernels that the run computed its convolutions with; those made for the device where the file names none.
    ///
    /// # Errors
    /// A kernel that this version does not have.
    pub fn choices(&self, gpu: &Gpu) -> Result<Choices> {
        let mut choices = Choices::of_device(gpu);
        if let Some(progress) = &self.checkpoint.progress {
            choices.fix_names(&progress.kernels)?;
        }
        Ok(choices)
    }

    /// The network for these images, with its weights on the device.
    ///
    /// # Errors
    /// A checkpoint of another model.
    pub fn build(&self, gpu: &Gpu, input: [usize; 3], classes: usize) -> Result<(Network, Weights)> {
        let network = build_network(&self.config, input, classes)?;
        let weights = Weights::new(gpu, &network, 1)?;
        self.checkpoint.restore(&self.path, gpu, &network, &weights)?;
        Ok((network, weights))
    }
}
