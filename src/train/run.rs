//! A whole run: epochs, validation, checkpoints, metrics, the final test.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::checkpoint::{Checkpoint, Progress};
use super::dataset::DeviceImages;
use super::epoch::Observer;
use super::evaluate::{Evaluation, Evaluator, EvaluatorParts};
use super::folder::RunFolder;
use super::metrics::{MetricsLog, Summary};
use super::network::{build_network, precision, split_kind, step_settings};
use super::schedule::Schedule;
use super::trainer::{StepSettings, Trainer};
use crate::config::RunConfig;
use crate::data::Dataset;
use crate::data::split::Split;
use crate::gpu::Gpu;
use crate::kernels::conv::Choices;
use crate::nn::Network;
use crate::{Error, Result};

/// A run that can be started or gone on with.
pub struct Run<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) config: RunConfig,
    pub(super) dataset: &'a Dataset,
    pub(super) network: Network,
    pub(super) split: Split,
    pub(super) folder: RunFolder,
    pub(super) schedule: Schedule,
    pub(super) progress: Progress,
    choices: Choices,
    resumed: Option<Checkpoint>,
}

/// The device's side of a run.
pub(super) struct Device<'a> {
    pub(super) trainer: Trainer<'a>,
    pub(super) validation: Option<Evaluator>,
    test: Evaluator,
}

impl<'a> Run<'a> {
    /// A new run in the folder `out`.
    ///
    /// # Errors
    /// A configuration, data set or folder that does not fit.
    pub fn create(gpu: &'a Gpu, mut config: RunConfig, dataset: &'a Dataset, out: &Path) -> Result<Self> {
        config.schedule.cut(config.epochs);
        let (network, split) = Self::prepare(&config, dataset)?;
        let choices = Choices::with_precision(gpu, precision(&config))?;
        let folder = RunFolder::create(out, &config)?;
        let progress = Self::beginning(gpu, &config, dataset);
        let schedule = Schedule::new(&config);
        Ok(Self { gpu, config, dataset, network, split, folder, schedule, progress, choices, resumed: None })
    }

    /// The run of the folder `out`, from its last checkpoint; from its beginning where there is none yet.
    ///
    /// # Errors
    /// A damaged checkpoint, or one of another configuration or data set.
    pub fn resume(gpu: &'a Gpu, out: &Path, mut config: RunConfig, dataset: &'a Dataset) -> Result<Self> {
        config.schedule.cut(config.epochs);
        let (network, split) = Self::prepare(&config, dataset)?;
        let (folder, _) = RunFolder::open(out)?;
        let schedule = Schedule::new(&config);
        let fresh = Self::beginning(gpu, &config, dataset);
        let (progress, resumed) = if folder.last().exists() {
            let checkpoint = Checkpoint::read(&folder.last())?;
            let progress = checkpoint.progress.clone();
            let progress =
                progress.ok_or_else(|| Error::checkpoint(folder.last(), "was not written by a wgrad run"))?;
            if progress.dataset != fresh.dataset {
                let reason = "belongs to another data set: resume with the data that the run began with";
                return Err(Error::checkpoint(folder.last(), reason));
            }
            if progress.config != fresh.config {
                let reason = "was written with another config.toml: put it back, or start a new run";
                return Err(Error::checkpoint(folder.last(), reason));
            }
            (progress, Some(checkpoint))
        } else {
            (fresh, None)
        };
        let mut choices = Choices::with_precision(gpu, precision(&config))?;
        choices.fix_names(&progress.kernels)?;
        Ok(Self { gpu, config, dataset, network, split, folder, schedule, progress, choices, resumed })
    }

    /// Sets which kernels compute the convolutions of a run that begins; a run that goes on keeps its own.
    pub fn choose(&mut self, choices: Choices) {
        if self.resumed.is_none() {
            self.progress.kernels = choices.names();
            self.choices = choices;
        }
    }

    /// Which kernels compute the convolutions.
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    fn beginning(gpu: &Gpu, config: &RunConfig, dataset: &Dataset) -> Progress {
        Progress {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: config.to_toml(),
            dataset: dataset.train.sha256(),
            device: gpu.description(),
            ..Progress::default()
        }
    }

    fn prepare(config: &RunConfig, dataset: &Dataset) -> Result<(Network, Split)> {
        let input = [dataset.train.height as usize, dataset.train.width as usize, 3];
        let network = build_network(config, input, dataset.classes.len())?;
        let split = split_kind(config)?.split(&dataset.train.labels, dataset.classes.len(), config.seed)?;
        Ok((network, split))
    }

    /// The network in training.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Images of training and validation.
    pub fn split_sizes(&self) -> (usize, usize) {
        (self.split.train.len(), self.split.val.len())
    }

    /// Trains to the end, or until `stop` is set: then the checkpoint is written and the error says how to go on.
    ///
    /// # Errors
    /// A lost device, a folder that can no longer be written, or [`Error::Interrupted`].
    pub fn train(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Summary> {
        let network = self.network.clone();
        let settings =
            step_settings(&self.config, &self.dataset.train, &self.split.train, self.choices.clone());
        let train = DeviceImages::upload(self.gpu, &self.dataset.train)?;
        let test = DeviceImages::upload(self.gpu, &self.dataset.test)?;
        let mut device = self.device(&network, &train, &test, settings)?;
        match self.resumed.take() {
            None => {
                let Trainer { weights, optimizer, .. } = &device.trainer;
                weights.initialize(self.gpu, &network, self.config.seed)?;
                if let Some(path) = &self.config.start_from {
                    let path = RunFolder::checkpoint(Path::new(path));
                    Checkpoint::read(&path)?.restore(&path, self.gpu, &network, weights)?;
                }
                optimizer.begin(self.gpu, weights)?;
            }
            Some(checkpoint) => {
                let Trainer { weights, optimizer, .. } = &device.trainer;
                checkpoint.restore(&self.folder.last(), self.gpu, &network, weights)?;
                optimizer.restore(self.gpu, &network, weights, &checkpoint)?;
                device.trainer.set_records(&checkpoint.records())?;
                if let Some(scale) = self.progress.loss_scale {
                    device.trainer.weights.set_loss_scale(self.gpu, scale)?;
                }
            }
        }
        self.gpu.save_pipeline_cache();
        let mut log = MetricsLog::resume(&self.folder.metrics(), self.progress.epoch)?;
        let steps_per_epoch = device.trainer.steps_per_epoch();
        let all = self.config.epochs.saturating_mul(steps_per_epoch as u32);
        let total_steps = self.config.steps.unwrap_or(u32::MAX).min(all);
        while self.progress.step < total_steps && !self.config.early_stopping.ends(&self.progress.stopping) {
            let metrics = self.epoch(&mut device, total_steps, observer, stop)?;
            log.append(&metrics)?;
            observer.epoch(&metrics);
        }
        self.conclude(&device)
    }

    fn device<'d>(
        &self,
        network: &'d Network,
        train: &DeviceImages,
        test: &DeviceImages,
        settings: StepSettings,
    ) -> Result<Device<'d>>
    where
        'a: 'd,
    {
        let mut trainer = Trainer::new(self.gpu, network, train, self.split.train.len(), settings.clone())?;
        let (validation_images, test_images) = (self.split.val.len(), self.dataset.test.len());
        let mut evaluator = |data: &DeviceImages, images: usize| {
            let parts = EvaluatorParts {
                gpu: self.gpu,
                network,
                weights: &trainer.weights,
                workspace: &mut trainer.workspace,
                data,
                batch: settings.eval_batch,
                normalize: settings.normalize.clone(),
                choices: &settings.choices,
            };
            Evaluator::new(parts, images)
        };
        let validation =
            if validation_images > 0 { Some(evaluator(train, validation_images)?) } else { None };
        let test = evaluator(test, test_images)?;
        let largest = [trainer.weights.weight.bytes(), test.result_bytes()];
        let validation_bytes = validation.as_ref().map_or(0, Evaluator::result_bytes);
        self.gpu.reserve_readback(largest.into_iter().fold(validation_bytes, u64::max));
        Ok(Device { trainer, validation, test })
    }

    /// Tests a checkpoint.
    fn test(&self, device: &Device, path: &Path) -> Result<Evaluation> {
        let weights = &device.trainer.weights;
        Checkpoint::read(path)?.restore(path, self.gpu, &self.network, weights)?;
        let order: Vec<u32> = (0..self.dataset.test.len() as u32).collect();
        let logits = device.test.logits(self.gpu, &order)?;
        Ok(Evaluation::of(&logits, &self.dataset.test.labels, self.network.classes))
    }

    /// Tests the last and the best checkpoint and writes the summary.
    fn conclude(&mut self, device: &Device) -> Result<Summary> {
        let last = self.test(device, &self.folder.last())?;
        let test = self.test(device, &self.folder.best())?;
        let summary = Summary {
            model: self.config.model.clone(),
            activation: self.config.activation.clone(),
            parameters: self.network.parameter_count() as u64,
            epochs: self.progress.epoch,
            best_epoch: self.progress.best_epoch,
            best_val_accuracy: self.progress.best_val_accuracy,
            last_val_accuracy: self.progress.last_val_accuracy,
            last_test_accuracy: Some(last.accuracy),
            test_accuracy: test.accuracy,
            test_loss: test.loss,
            seconds: self.progress.seconds,
            device: self.gpu.description(),
            seed: self.config.seed,
        };
        summary.write(&self.folder.summary())?;
        Ok(summary)
    }
}
