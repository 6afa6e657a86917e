//! A whole run: epochs, validation, checkpoints, metrics, the final test.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::assemble::Device;
use super::checkpoint::{Checkpoint, Progress};
use super::dataset::DeviceImages;
use super::epoch::Observer;
use super::evaluate::Evaluation;
use super::folder::RunFolder;
use super::initial::{Beginning, initial_weights};
use super::memory::{self, MemoryEstimate};
use super::metrics::{MetricsLog, Summary};
use super::resume::{self, newest};
use super::schedule::Schedule;
use super::settings::{build_network, precision, split_kind, step_settings};
use super::trainer::StepSettings;
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
    pub(super) choices: Choices,
    resumed: Option<Checkpoint>,
    /// Whether it goes on with another configuration than its checkpoint has.
    changed: bool,
    initial: Option<Checkpoint>,
    tested: Vec<f32>,
    /// What it takes on the device.
    pub(super) memory: MemoryEstimate,
    /// Keeps other processes out of the folder.
    _lock: File,
}

impl<'a> Run<'a> {
    /// A new run in the folder `out`.
    ///
    /// # Errors
    /// A configuration, data set or folder that does not fit.
    pub fn create(gpu: &'a Gpu, config: RunConfig, dataset: &'a Dataset, out: &Path) -> Result<Self> {
        let (network, split, memory) = Self::prepare(gpu, &config, dataset)?;
        let choices = Choices::with_precision(gpu, precision(&config))?;
        let initial = initial_weights(&config, &network)?;
        let folder = RunFolder::create(out, &config)?;
        let progress = Self::beginning(gpu, &config, dataset);
        let (schedule, lock) = (Schedule::new(&config), folder.lock()?);
        Ok(Self {
            gpu,
            config,
            dataset,
            network,
            split,
            folder,
            schedule,
            progress,
            choices,
            resumed: None,
            changed: false,
            initial,
            tested: Vec::new(),
            memory,
            _lock: lock,
        })
    }

    /// The run of the folder `out`, from its last checkpoint (or the one before, where that is damaged); from its beginning where
    /// there is none yet.
    ///
    /// # Errors
    /// A damaged checkpoint; one of another configuration, data set, device or version, with all that differs.
    pub fn resume(gpu: &'a Gpu, out: &Path, config: RunConfig, dataset: &'a Dataset) -> Result<Self> {
        Self::go_on(gpu, out, config, dataset, false)
    }

    /// As [`Run::resume`], but another configuration, device or version is taken where what the run has so far keeps its
    /// meaning. The run goes on with `config`, and its folder holds that from then on.
    ///
    /// # Errors
    /// A damaged checkpoint; another data set, network or split.
    pub fn resume_changed(gpu: &'a Gpu, out: &Path, config: RunConfig, dataset: &'a Dataset) -> Result<Self> {
        Self::go_on(gpu, out, config, dataset, true)
    }

    fn go_on(gpu: &'a Gpu, out: &Path, config: RunConfig, dataset: &'a Dataset, force: bool) -> Result<Self> {
        let (network, split, memory) = Self::prepare(gpu, &config, dataset)?;
        let (folder, _) = RunFolder::open(out)?;
        let lock = folder.lock()?;
        let fresh = Self::beginning(gpu, &config, dataset);
        let mut written = None;
        let (progress, resumed) = match newest(&folder)? {
            Some((path, progress, checkpoint)) => {
                written = Some(progress.config.clone());
                resume::compare(&path, &progress, &fresh, &config, force)?;
                let Progress { version, config, device, .. } = fresh;
                (Progress { version, config, device, ..progress }, Some(checkpoint))
            }
            None => (fresh, None),
        };
        let mut choices = Choices::with_precision(gpu, precision(&config))?;
        choices.fix_names(&progress.kernels)?;
        let initial = if resumed.is_none() { initial_weights(&config, &network)? } else { None };
        let changed = written.is_some_and(|written| written != progress.config);
        Ok(Self {
            gpu,
            schedule: Schedule::new(&config),
            config,
            dataset,
            network,
            split,
            folder,
            progress,
            choices,
            resumed,
            changed,
            initial,
            tested: Vec::new(),
            memory,
            _lock: lock,
        })
    }

    /// Puts the run's first weights, or those of its checkpoint, onto the device. A run that begins has a checkpoint from then
    /// on.
    fn begin(&mut self, device: &Device, train: &DeviceImages) -> Result<()> {
        if let Some(checkpoint) = self.resumed.take() {
            self.put_back(device, &checkpoint)?;
            if self.changed {
                // The checkpoint first: where it cannot be written, the run is as it was.
                self.save(&self.capture(device, &checkpoint.records())?)?;
                self.folder.set_config(&self.config)?;
            }
            return Ok(());
        }
        let initial = self.initial.take();
        let (gpu, network, weights) = (self.gpu, &self.network, &device.trainer.weights);
        let (config, images, choices) = (&self.config, &self.dataset.train, &self.choices);
        let beginning = Beginning { gpu, config, network, weights, images, data: train, choices };
        beginning.set(initial, &self.split.train)?;
        device.trainer.optimizer.begin(gpu, weights)?;
        let first = self.capture(device, &[])?;
        self.save(&first)
    }

    /// Sets which kernels compute the convolutions of a run that begins; a run that goes on keeps its own.
    pub fn choose(&mut self, choices: Choices) {
        if self.resumed.is_none() {
            self.progress.kernels = choices.names();
            self.choices = choices;
        }
    }

    /// Whether it has no checkpoint yet.
    pub fn is_new(&self) -> bool {
        self.resumed.is_none()
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
            input: vec![dataset.train.height as usize, dataset.train.width as usize, 3],
            classes: dataset.classes.clone(),
            lr_factor: 1.0,
            ..Progress::default()
        }
    }

    fn prepare(gpu: &Gpu, config: &RunConfig, dataset: &Dataset) -> Result<(Network, Split, MemoryEstimate)> {
        let input = [dataset.train.height as usize, dataset.train.width as usize, 3];
        let network = build_network(config, input, dataset.classes.len())?;
        let split = split_kind(config)?.split(&dataset.train.labels, dataset.classes.len(), config.seed)?;
        let memory = memory::estimate(gpu, config, &network, dataset)?;
        Ok((network, split, memory))
    }

    /// The network in training.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What the run will take on the device, by the estimate.
    pub fn memory(&self) -> MemoryEstimate {
        self.memory
    }

    /// How it is configured.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Logits of the test images by the best checkpoint, once the run has ended; nothing before.
    pub fn test_logits(&self) -> &[f32] {
        &self.tested
    }

    /// Images of training and validation.
    pub fn split_sizes(&self) -> (usize, usize) {
        (self.split.train.len(), self.split.val.len())
    }

    /// What an error that ends the run is to its user: out of memory names the batch that would fit, a lost device the
    /// way on. A new run that did not come as far as a checkpoint leaves no folder.
    pub fn end_by(&self, error: Error) -> Error {
        let last = self.folder.last();
        if !last.exists() {
            self.folder.discard();
        }
        match memory::explain(error, (self.gpu, &self.config, &self.network, self.dataset), &last) {
            Error::Device(text) if last.exists() && self.gpu.check_fault().is_err() => {
                let folder = self.folder.root().display();
                Error::Device(format!("{text}; the last checkpoint is usable: go on with --resume {folder}"))
            }
            error => error,
        }
    }

    /// Trains to the end, or until `stop` is set: then the checkpoint is written and the error says how to go on.
    ///
    /// # Errors
    /// A lost device or one without memory, a folder that can no longer be written, [`Error::Diverged`](crate::Error::Diverged) or
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn train(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Summary> {
        self.train_to_end(observer, stop).map_err(|error| self.end_by(error))
    }

    fn train_to_end(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Summary> {
        let network = self.network.clone();
        let (images, train) = (&self.dataset.train, &self.split.train);
        let settings = StepSettings {
            recompute: self.memory.recomputed,
            ..step_settings(&self.config, images, train, self.choices.clone())
        };
        let (data, mut device) = self.assemble(&network, &settings)?;
        self.begin(&device, &data.train)?;
        self.gpu.save_pipeline_cache();
        let mut log = MetricsLog::resume(&self.folder.metrics(), self.progress.epoch)?;
        let steps_per_epoch = device.trainer.steps_per_epoch();
        let Progress { epoch, step, record, .. } = self.progress;
        let left = self.config.epochs.saturating_sub(epoch).saturating_mul(steps_per_epoch as u32);
        let total_steps = self.config.steps.unwrap_or(u32::MAX).min((step - record).saturating_add(left));
        if self.goes_on(total_steps) {
            self.folder.forget_summary();
        }
        while self.goes_on(total_steps) {
            if let Some(divergence) = self.epoch(&mut device, total_steps, &mut log, observer, stop)? {
                self.recover(&mut device, divergence)?;
            }
        }
        self.conclude(&device, &data.test, observer)
    }

    /// Whether it has steps left, or an epoch to close: that of a run that was stopped at its last step.
    fn goes_on(&self, total_steps: u32) -> bool {
        let Progress { step, record, stopping, .. } = &self.progress;
        *record > 0 || *step < total_steps && !self.config.early_stopping.ends(stopping)
    }

    /// Tests a checkpoint.
    fn test(&self, device: &Device, data: &DeviceImages, path: &Path) -> Result<(Evaluation, Vec<f32>)> {
        let weights = &device.trainer.weights;
        Checkpoint::read(path)?.restore_weights(path, self.gpu, &self.network, weights)?;
        let order: Vec<u32> = (0..self.dataset.test.len() as u32).collect();
        let (images, tta) = (&self.dataset.test, self.config.evaluate.tta);
        let logits = device.test.mean_logits(self.gpu, &order, (data, images), tta)?;
        let evaluation = Evaluation::of(&logits, &images.labels, self.network.classes);
        Ok((evaluation, logits))
    }

    /// Tests the last and the best checkpoint and writes the summary.
    fn conclude(
        &mut self,
        device: &Device,
        data: &DeviceImages,
        observer: &mut dyn Observer,
    ) -> Result<Summary> {
        let (last, _) = self.test(device, data, &self.folder.last())?;
        let (test, logits) = self.test(device, data, &self.folder.best())?;
        self.tested = logits;
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
            tta: self.config.evaluate.tta,
            seconds: self.progress.seconds,
            device: self.gpu.description(),
            seed: self.config.seed,
        };
        summary.write(&self.folder.summary())?;
        observer.tested(&test);
        Ok(summary)
    }
}
