//! A RUN folder or a CKPT file, as `eval`, `predict` and `export` take it.

use std::path::{Path, PathBuf};

use wgrad::config::{self, RunConfig};
use wgrad::data::{Dataset, Source, load_sized};
use wgrad::gpu::Gpu;
use wgrad::kernels::conv::Choices;
use wgrad::nn::{Network, Weights};
use wgrad::train::{Checkpoint, RunFolder, TrainedNetwork, build_network};
use wgrad::{Error, Result};

/// A trained network on the command line.
#[derive(clap::Args)]
pub(super) struct SourceArgs {
    /// Run folder (its best checkpoint) or checkpoint file
    run: PathBuf,
    /// Model, for checkpoints that wgrad did not write
    #[arg(long)]
    model: Option<String>,
    /// Activation, for checkpoints that wgrad did not write
    #[arg(long, value_name = "SPEC")]
    activation: Option<String>,
    /// Any other setting of a checkpoint that wgrad did not write, for example option=b
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl SourceArgs {
    /// The network's own configuration under what the command line says.
    fn config(&self, own: &RunConfig) -> Result<RunConfig> {
        let mut flags = toml::Table::new();
        for (key, value) in [("model", &self.model), ("activation", &self.activation)] {
            if let Some(value) = value {
                config::put(&mut flags, key, value.as_str());
            }
        }
        own.with(&self.set, &flags)
    }
}

/// A trained network: its configuration and weights.
pub(super) struct Trained {
    /// The checkpoint's file.
    pub(super) path: PathBuf,
    /// How it was trained.
    pub(super) config: RunConfig,
    /// The file's content.
    pub(super) checkpoint: Checkpoint,
}

impl Trained {
    /// Opens a run folder (its best checkpoint) or a checkpoint file. A file that wgrad did not write needs `--model`.
    ///
    /// # Errors
    /// Neither a run nor a checkpoint, or a damaged file.
    pub(super) fn open(args: &SourceArgs) -> Result<Self> {
        let (file, folder_config) = if args.run.is_dir() {
            let (folder, config) = RunFolder::open(&args.run)?;
            let file = if folder.best().exists() { folder.best() } else { folder.last() };
            if !file.exists() {
                let run = args.run.display();
                return Err(Error::usage(format!(
                    "{run}: the run has no checkpoint yet; go on with `wgrad train --resume {run}`"
                )));
            }
            (file, Some(config))
        } else {
            (args.run.clone(), None)
        };
        let checkpoint = Checkpoint::read(&file)?;
        let written = checkpoint.progress.as_ref().map(|progress| progress.config.clone());
        let own = match (folder_config, written) {
            (Some(config), _) => config,
            (None, Some(text)) => RunConfig::from_toml(&text, "checkpoint")?,
            (None, None) if args.model.is_some() => RunConfig::default(),
            (None, None) => {
                let reason = "was not written by wgrad: name its network with --model (and --activation)";
                return Err(Error::checkpoint(file, reason));
            }
        };
        Ok(Self { path: file, config: args.config(&own)?, checkpoint })
    }

    /// The data set that the run used, or the one that is named.
    ///
    /// # Errors
    /// As [`load_sized`].
    pub(super) fn dataset(&self, named: Option<&str>) -> Result<Dataset> {
        let source: Source = named.unwrap_or(&self.config.data.source).parse()?;
        load_sized(&source, self.config.data.size)
    }

    /// The kernels that the run computed its convolutions with; those made for the device where the file names none.
    ///
    /// # Errors
    /// A kernel that this version does not have.
    pub(super) fn choices(&self, gpu: &Gpu) -> Result<Choices> {
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
    pub(super) fn build(&self, gpu: &Gpu, input: [usize; 3], classes: usize) -> Result<(Network, Weights)> {
        let network = build_network(&self.config, input, classes)?;
        let weights = Weights::new(gpu, &network, 1)?;
        self.checkpoint.restore_weights(&self.path, gpu, &network, &weights)?;
        Ok((network, weights))
    }

    /// The network of [`Trained::build`] as evaluations take it.
    pub(super) fn on<'a>(
        &'a self,
        gpu: &'a Gpu,
        network: &'a Network,
        weights: &'a Weights,
        choices: &'a Choices,
    ) -> TrainedNetwork<'a> {
        TrainedNetwork { gpu, config: &self.config, network, weights, choices }
    }

    /// The network without a device or its data set: for images as the file says, or CIFAR's, with as many classes as its
    /// last parameter has outputs.
    ///
    /// # Errors
    /// A checkpoint of another model.
    pub(super) fn network(&self) -> Result<Network> {
        let progress = self.checkpoint.progress.as_ref();
        let input = match progress.map(|progress| progress.input.as_slice()) {
            Some(&[height, width, channels]) => [height, width, channels],
            _ => [32, 32, 3],
        };
        let network = build_network(&self.config, input, 10)?;
        let last = network.parameters.last().map(|parameter| parameter.name.clone()).unwrap_or_default();
        let found = [last.clone(), format!("module.{last}")];
        let shape = found.iter().find_map(|name| self.checkpoint.tensors.get(name)).map(|tensor| &tensor.0);
        let network = match shape.map(Vec::as_slice) {
            Some(&[classes, ..]) => build_network(&self.config, input, classes)?,
            _ => network,
        };
        self.checkpoint.check(Path::new(&self.path), &network)?;
        Ok(network)
    }
}
