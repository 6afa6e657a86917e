//! A whole run: epochs, validation, checkpoints, metrics, the final test.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::checkpoint::{Checkpoint, Progress};
use super::dataset::DeviceImages;
use super::evaluate::{Evaluation, Evaluator, EvaluatorParts};
use super::folder::RunFolder;
use super::metrics::{EpochMetrics, MetricsLog, Summary};
use super::network::{build_network, normalize, split_kind};
use super::schedule::Schedule;
use super::trainer::{StepSettings, Trainer};
use crate::config::{DecayOn, LastBatch, RunConfig};
use crate::data::split::Split;
use crate::data::{Dataset, order};
use crate::gpu::Gpu;
use crate::kernels::conv::Variant;
use crate::kernels::optimizer::Sgd;
use crate::nn::Network;
use crate::{Error, Result};

/// What has happened since the epoch began.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Steps submitted in this epoch.
    pub record: usize,
    /// Steps of the epoch.
    pub steps_per_epoch: usize,
    /// Steps of the whole run so far.
    pub step: u32,
    /// Steps that the whole run will have.
    pub total_steps: u32,
    /// Images per second since this process began the epoch.
    pub images_per_second: f64,
    /// Mean loss of the epoch's steps that are known so far.
    pub loss: Option<f64>,
    /// Share of right answers of those.
    pub accuracy: Option<f64>,
}

/// Who watches a run: a progress bar, a log, a test.
pub trait Observer {
    /// After each submitted step.
    fn step(&mut self, _report: &StepReport) {}
    /// After each epoch.
    fn epoch(&mut self, _metrics: &EpochMetrics) {}
}

/// A run that can be started or gone on with.
pub struct Run<'a> {
    gpu: &'a Gpu,
    config: RunConfig,
    dataset: &'a Dataset,
    network: Network,
    split: Split,
    folder: RunFolder,
    schedule: Schedule,
    progress: Progress,
    resumed: Option<Checkpoint>,
}

/// The device's side of a run.
struct Device<'a> {
    trainer: Trainer<'a>,
    validation: Option<Evaluator>,
    test: Evaluator,
}

impl<'a> Run<'a> {
    /// A new run in the folder `out`.
    ///
    /// # Errors
    /// A configuration, data set or folder that does not fit.
    pub fn create(gpu: &'a Gpu, config: RunConfig, dataset: &'a Dataset, out: &Path) -> Result<Self> {
        let (network, split) = Self::prepare(&config, dataset)?;
        let folder = RunFolder::create(out, &config)?;
        let progress = Progress {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: config.to_toml(),
            dataset: dataset.train.sha256(),
            device: gpu.description(),
            ..Progress::default()
        };
        let schedule = Schedule::new(&config);
        Ok(Self { gpu, config, dataset, network, split, folder, schedule, progress, resumed: None })
    }

    /// The run of the folder `out`, from its last checkpoint; from its beginning where there is none yet.
    ///
    /// # Errors
    /// A damaged checkpoint, or one of another configuration or data set.
    pub fn resume(gpu: &'a Gpu, out: &Path, config: RunConfig, dataset: &'a Dataset) -> Result<Self> {
        let (network, split) = Self::prepare(&config, dataset)?;
        let (folder, _) = RunFolder::open(out)?;
        let schedule = Schedule::new(&config);
        let fresh = Progress {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: config.to_toml(),
            dataset: dataset.train.sha256(),
            device: gpu.description(),
            ..Progress::default()
        };
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
        Ok(Self { gpu, config, dataset, network, split, folder, schedule, progress, resumed })
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

    fn settings(&self) -> StepSettings {
        let config = &self.config;
        StepSettings {
            batch: config.batch as usize,
            eval_batch: config.eval_batch as usize,
            smaller_last: config.data.last_batch == LastBatch::Smaller,
            crop: config.augment.pad as usize,
            flip: config.augment.flip,
            normalize: normalize(config, self.dataset, &self.split.train),
            label_smoothing: config.loss.label_smoothing as f32,
            sgd: Sgd { momentum: config.optimizer.momentum as f32, nesterov: config.optimizer.nesterov },
            weight_decay: config.optimizer.weight_decay as f32,
            decay_kernels_only: config.optimizer.decay_on == DecayOn::Kernels,
            seed: config.seed,
            variant: Variant::Direct,
        }
    }

    /// Trains to the end, or until `stop` is set: then the checkpoint is written and the error says how to go on.
    ///
    /// # Errors
    /// A lost device, a folder that can no longer be written, or [`Error::Interrupted`].
    pub fn train(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Summary> {
        let network = self.network.clone();
        let settings = self.settings();
        let train = DeviceImages::upload(self.gpu, &self.dataset.train)?;
        let test = DeviceImages::upload(self.gpu, &self.dataset.test)?;
        let mut device = self.device(&network, &train, &test, settings)?;
        match self.resumed.take() {
            None => device.trainer.weights.initialize(self.gpu, &network, self.config.seed)?,
            Some(checkpoint) => {
                checkpoint.restore(&self.folder.last(), self.gpu, &network, &device.trainer.weights)?;
                device.trainer.set_records(&checkpoint.records())?;
            }
        }
        self.gpu.save_pipeline_cache();
        let mut log = MetricsLog::resume(&self.folder.metrics(), self.progress.epoch)?;
        let steps_per_epoch = device.trainer.steps_per_epoch();
        let all = self.config.epochs.saturating_mul(steps_per_epoch as u32);
        let total_steps = self.config.steps.unwrap_or(u32::MAX).min(all);
        while self.progress.step < total_steps {
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
        let mut trainer = Trainer::new(self.gpu, network, train, self.split.train.len(), settings)?;
        let (validation_images, test_images) = (self.split.val.len(), self.dataset.test.len());
        let mut evaluator = |data: &DeviceImages, images: usize| {
            let parts = EvaluatorParts {
                gpu: self.gpu,
                network,
                weights: &trainer.weights,
                workspace: &mut trainer.workspace,
                data,
                batch: settings.eval_batch,
                normalize: settings.normalize,
                variant: settings.variant,
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

    /// One epoch, or what is left of it.
    fn epoch(
        &mut self,
        device: &mut Device,
        total_steps: u32,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<EpochMetrics> {
        let started = Instant::now();
        let epoch = self.progress.epoch;
        let trainer = &mut device.trainer;
        let steps_per_epoch = trainer.steps_per_epoch();
        let first_step = u64::from(self.progress.step - self.progress.record);
        let rate = |record: u64| {
            self.schedule.lr_at(first_step + record, steps_per_epoch as u64, self.config.epochs) as f32
        };
        let rates: Vec<f32> = (0..steps_per_epoch as u64).map(rate).collect();
        let order = order::epoch_order(&self.split.train, self.config.seed, epoch);
        trainer.begin_epoch(&order, &rates, self.progress.step, self.progress.record as usize)?;
        let images = match self.steps(trainer, total_steps, started, observer, stop)? {
            Some(images) => images,
            None => return Err(self.interrupt(device, started)?),
        };
        trainer.finish()?;
        let seconds = started.elapsed().as_secs_f64();
        let done = self.progress.record as usize;
        let (train_loss, train_accuracy) = self.means(trainer, &trainer.records()?[..done]);
        let lr = f64::from(rates[done - 1]);
        let validation = self.validate(device)?;
        self.progress.seconds += started.elapsed().as_secs_f64();
        self.progress.epoch += 1;
        self.progress.record = 0;
        self.keep(device, validation.as_ref())?;
        Ok(EpochMetrics {
            epoch: epoch + 1,
            step: u64::from(self.progress.step),
            lr,
            train_loss,
            train_accuracy,
            val_loss: validation.as_ref().map(|v| v.loss),
            val_accuracy: validation.as_ref().map(|v| v.accuracy),
            seconds: started.elapsed().as_secs_f64(),
            images_per_second: images as f64 / seconds,
        })
    }

    /// Submits what is left of the epoch and gives its number of images, or none where `stop` was set.
    fn steps(
        &mut self,
        trainer: &mut Trainer,
        total_steps: u32,
        started: Instant,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Option<usize>> {
        let mut images = 0;
        let mut known = None;
        let steps_per_epoch = trainer.steps_per_epoch();
        while (self.progress.record as usize) < steps_per_epoch && self.progress.step < total_steps {
            let record = self.progress.record as usize;
            trainer.step(record)?;
            images += trainer.images_of(record);
            self.progress.record += 1;
            self.progress.step += 1;
            if let Some(records) = trainer.poll_records()? {
                known = Some(self.means(trainer, &records[..record.saturating_sub(3).min(records.len())]));
            }
            trainer.ask_records();
            observer.step(&StepReport {
                epoch: self.progress.epoch + 1,
                record: record + 1,
                steps_per_epoch,
                step: self.progress.step,
                total_steps,
                images_per_second: images as f64 / started.elapsed().as_secs_f64(),
                loss: known.map(|means: (f64, f64)| means.0).filter(|loss| loss.is_finite()),
                accuracy: known.map(|means| means.1).filter(|accuracy| accuracy.is_finite()),
            });
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
        Ok(Some(images))
    }

    /// Mean loss and accuracy of the epoch's first steps.
    fn means(&self, trainer: &Trainer, records: &[[f32; 2]]) -> (f64, f64) {
        let images: usize = (0..records.len()).map(|record| trainer.images_of(record)).sum();
        let sum = |part: usize| records.iter().map(|record| f64::from(record[part])).sum::<f64>();
        (sum(0) / images as f64, sum(1) / images as f64)
    }

    fn validate(&self, device: &Device) -> Result<Option<Evaluation>> {
        let Some(evaluator) = &device.validation else { return Ok(None) };
        let logits = evaluator.logits(self.gpu, &self.split.val)?;
        let labels: Vec<u8> = self.split.val.iter().map(|&i| self.dataset.train.labels[i as usize]).collect();
        Ok(Some(Evaluation::of(&logits, &labels, self.network.classes)))
    }

    /// Writes the checkpoint of a finished epoch, and the best one where it is; without validation the last is the best.
    fn keep(&mut self, device: &Device, validation: Option<&Evaluation>) -> Result<()> {
        let accuracy = validation.map(|v| v.accuracy);
        let better = match (accuracy, self.progress.best_val_accuracy) {
            (Some(now), Some(before)) => now > before,
            _ => true,
        };
        if better {
            self.progress.best_epoch = self.progress.epoch;
            self.progress.best_val_accuracy = accuracy;
        }
        let checkpoint = self.capture(device, &[])?;
        if better {
            checkpoint.write(&self.folder.best())?;
        }
        checkpoint.write(&self.folder.last())
    }

    fn capture(&self, device: &Device, records: &[[f32; 2]]) -> Result<Checkpoint> {
        let progress = self.progress.clone();
        Checkpoint::capture(self.gpu, &self.network, &device.trainer.weights, progress, records)
    }

    /// Writes the checkpoint in the middle of an epoch.
    fn interrupt(&mut self, device: &mut Device, started: Instant) -> Result<Error> {
        device.trainer.finish()?;
        self.progress.seconds += started.elapsed().as_secs_f64();
        let records = device.trainer.records()?;
        let done = self.progress.record as usize;
        self.capture(device, &records[..done])?.write(&self.folder.last())?;
        let root = self.folder.root().display();
        Ok(Error::Interrupted(format!(
            "stopped at step {} of epoch {}: go on with `wgrad train --resume {root}`",
            done,
            self.progress.epoch + 1
        )))
    }

    /// Tests the best checkpoint and writes the summary.
    fn conclude(&mut self, device: &Device) -> Result<Summary> {
        let weights = &device.trainer.weights;
        Checkpoint::read(&self.folder.best())?.restore(
            &self.folder.best(),
            self.gpu,
            &self.network,
            weights,
        )?;
        let order: Vec<u32> = (0..self.dataset.test.len() as u32).collect();
        let logits = device.test.logits(self.gpu, &order)?;
        let test = Evaluation::of(&logits, &self.dataset.test.labels, self.network.classes);
        let summary = Summary {
            model: self.config.model.clone(),
            activation: self.config.activation.clone(),
            parameters: self.network.parameter_count() as u64,
            epochs: self.progress.epoch,
            best_epoch: self.progress.best_epoch,
            best_val_accuracy: self.progress.best_val_accuracy,
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
