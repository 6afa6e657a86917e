//! A network in training on the device: its buffers and its step plans.

use std::collections::VecDeque;

use super::dataset::DeviceImages;
use super::feed::{BatchViews, Batches};
use super::mixup::mixup_share;
use super::optimizer::{Optimizer, OptimizerSettings};
use crate::gpu::{Buffer, Gpu, Plan, Readback, Recorder, View, Work};
use crate::kernels::augment::{Augment, Gather, Normalize, mixup};
use crate::kernels::conv::{Choices, Precision};
use crate::kernels::loss::CrossEntropy;
use crate::kernels::optimizer::{self, LossScale, Rates, State};
use crate::nn::{Mode, Network, Pass, Weights, Workspace};
use crate::{Error, Result};

/// Steps that may be under way on the device while the host goes on.
const IN_FLIGHT: usize = 3;

/// What a training step is made of, besides network and data.
#[derive(Clone, Debug)]
pub struct StepSettings {
    /// Images of a batch.
    pub batch: usize,
    /// Images of a batch in evaluation.
    pub eval_batch: usize,
    /// Whether the images that do not fill a batch make a smaller one.
    pub smaller_last: bool,
    /// What a training image goes through.
    pub augment: Augment,
    /// Parameter of mixup's Beta distribution; 0 for no mixup.
    pub mixup: f64,
    /// What becomes of the bytes.
    pub normalize: Normalize,
    /// Share of the loss's target that is spread over all classes.
    pub label_smoothing: f32,
    /// The optimizer.
    pub optimizer: OptimizerSettings,
    /// The run's seed.
    pub seed: u32,
    /// Which kernels compute the convolutions.
    pub choices: Choices,
    /// Whether values that are cheap to compute once more are not kept for the backward pass.
    pub recompute: bool,
    /// What the loss scale of mixed precision begins with: a power of two.
    pub loss_scale: f32,
    /// Good steps in a row after which it doubles; 0 keeps it.
    pub loss_scale_growth: u32,
}

impl StepSettings {
    fn scaled(&self) -> bool {
        self.choices.precision() == Precision::Mixed
    }

    /// The optimizer's buffers, and the loss scale where there is one.
    fn optimizer(&self, gpu: &Gpu, network: &Network, weights: &Weights) -> Result<Optimizer> {
        let mut settings = self.optimizer;
        settings.treatment.scaled = self.scaled();
        if self.scaled() {
            weights.set_loss_scale(gpu, LossScale::starting(self.loss_scale))?;
        }
        Optimizer::new(gpu, network, weights, settings)
    }

    /// Steps of an epoch over `images` images.
    pub fn steps_per_epoch(&self, images: usize) -> usize {
        let full = images / self.batch;
        if self.smaller_last && !images.is_multiple_of(self.batch) { full + 1 } else { full }
    }
}

/// A network in training.
pub struct Trainer<'a> {
    gpu: &'a Gpu,
    /// The network.
    pub network: &'a Network,
    /// Its parameters on the device.
    pub weights: Weights,
    /// What the optimizer keeps.
    pub optimizer: Optimizer,
    pub(super) workspace: Workspace,
    batches: Batches<'a>,
    settings: StepSettings,
    state: Buffer,
    order: Buffer,
    rates: Buffer,
    records: Buffer,
    full: Plan,
    rest: Option<Plan>,
    steps_per_epoch: usize,
    images: usize,
    in_flight: VecDeque<Work>,
    readback: Readback,
}

impl<'a> Trainer<'a> {
    /// Allocates everything and records the steps for epochs over `images` of the data set's images.
    ///
    /// # Errors
    /// Fewer images than a batch needs, not enough device memory, or a shader that does not compile.
    pub fn new(
        gpu: &'a Gpu,
        network: &'a Network,
        data: &DeviceImages<'a>,
        images: usize,
        settings: StepSettings,
    ) -> Result<Self> {
        let steps_per_epoch = settings.steps_per_epoch(images);
        if steps_per_epoch == 0 {
            return Err(Error::usage(format!(
                "{images} training images do not fill one batch of {}: lower batch",
                settings.batch
            )));
        }
        let batch = settings.batch.min(images);
        let weights = Weights::new(gpu, network, batch)?;
        let optimizer = settings.optimizer(gpu, network, &weights)?;
        let mut workspace = Workspace::new(gpu, network, settings.eval_batch, batch, settings.recompute)?;
        let parts = Parts {
            gpu,
            network,
            weights: &weights,
            optimizer: &optimizer,
            size: [data.height, data.width],
            batches: data.batches(gpu, batch)?,
            images,
            settings: &settings,
            state: gpu.buffer("state", size_of::<State>() / 4)?,
            order: gpu.buffer("order", images)?,
            rates: gpu.buffer("rates", steps_per_epoch * size_of::<Rates>() / 4)?,
            records: gpu.buffer("records", steps_per_epoch * 2)?,
            labels: gpu.buffer("batch labels", batch)?,
            dlogits: gpu.buffer("dlogits", network.words(network.logits(), batch))?,
            statistics: settings.normalize.statistics(gpu)?.view(),
        };
        let full = parts.step(&mut workspace, batch)?;
        let rest = images % batch;
        let rest =
            if settings.smaller_last && rest > 0 { Some(parts.step(&mut workspace, rest)?) } else { None };
        let Parts { batches, state, order, rates, records, .. } = parts;
        Ok(Self {
            gpu,
            network,
            workspace,
            batches,
            settings,
            state,
            order,
            rates,
            readback: Readback::new(gpu, records.bytes())?,
            records,
            full,
            rest,
            steps_per_epoch,
            images,
            in_flight: VecDeque::new(),
            weights,
            optimizer,
        })
    }

    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.steps_per_epoch
    }

    /// The plan of a full batch, for benches and profiles.
    pub fn plan(&self) -> &Plan {
        &self.full
    }

    /// Bytes of the network's values and of the gradients that they share.
    pub fn value_bytes(&self) -> u64 {
        self.workspace.value_bytes()
    }

    /// Images of step `record` of the epoch.
    pub fn images_of(&self, record: usize) -> usize {
        match &self.rest {
            Some(_) if record + 1 == self.steps_per_epoch => self.images % self.settings.batch,
            _ => self.settings.batch.min(self.images),
        }
    }

    /// Prepares epoch `epoch` (from 0): its order of images, its learning rates, and where to begin: step `record` of the
    /// epoch, which is step `step` of the run.
    ///
    /// # Errors
    /// A lost device.
    pub fn begin_epoch(
        &mut self,
        epoch: u32,
        order: &[u32],
        rates: &[f32],
        step: u32,
        record: usize,
    ) -> Result<()> {
        self.finish()?;
        self.optimizer.enter_epoch(self.gpu, self.network, epoch)?;
        self.gpu.write(&self.order.view(), order)?;
        self.batches.begin(order);
        let first = step - record as u32;
        let mut rates = self.settings.optimizer.rates(first, rates);
        if self.settings.mixup > 0.0 {
            let share = |step| mixup_share(self.settings.mixup, self.settings.seed, step) as f32;
            rates.iter_mut().zip(first..).for_each(|(rates, step)| rates.share = share(step));
        }
        self.gpu.write(&self.rates.view(), &rates)?;
        let cursor = (record * self.settings.batch) as u32;
        self.gpu.write(&self.state.view(), &[State::before(step, record as u32, cursor).in_epoch(epoch)])
    }

    /// Submits the step `record` of the epoch; waits only where too many are under way.
    ///
    /// # Errors
    /// A lost device.
    pub fn step(&mut self, record: usize) -> Result<()> {
        let last = record + 1 == self.steps_per_epoch;
        self.batches.bring(self.gpu, record * self.settings.batch, self.images_of(record))?;
        let plan = if last { self.rest.as_ref().unwrap_or(&self.full) } else { &self.full };
        self.in_flight.push_back(plan.submit(self.gpu));
        if self.in_flight.len() > IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            self.gpu.wait_for(oldest)?;
        }
        Ok(())
    }

    /// Waits for all steps.
    ///
    /// # Errors
    /// A lost device.
    pub fn finish(&mut self) -> Result<()> {
        self.in_flight.clear();
        self.gpu.wait()
    }

    /// (sum of losses, right answers) of each step of the epoch; waits for all steps.
    ///
    /// # Errors
    /// A lost device.
    pub fn records(&self) -> Result<Vec<[f32; 2]>> {
        self.gpu.read(&self.records.view())
    }

    /// Puts back the records of an epoch's first steps, when a run goes on in the middle of it.
    ///
    /// # Errors
    /// More records than the epoch has steps.
    pub fn set_records(&self, records: &[[f32; 2]]) -> Result<()> {
        self.gpu.write(&self.records.view(), records)
    }

    /// Asks for the records, without waiting; [`Trainer::poll_records`] has them later. Gives whether it could: not while an
    /// earlier question is open.
    pub fn ask_records(&mut self) -> bool {
        let free = !self.readback.is_pending();
        self.readback.start(self.gpu, &self.records.view());
        free
    }

    /// The records asked for, where they have come.
    ///
    /// # Errors
    /// A lost device.
    pub fn poll_records(&mut self) -> Result<Option<Vec<[f32; 2]>>> {
        Ok(self.readback.poll(self.gpu)?.map(|bytes| bytemuck::pod_collect_to_vec(&bytes)))
    }
}

/// What a step plan is recorded from.
struct Parts<'a, 'i> {
    gpu: &'a Gpu,
    network: &'a Network,
    weights: &'a Weights,
    optimizer: &'a Optimizer,
    size: [usize; 2],
    batches: Batches<'i>,
    images: usize,
    settings: &'a StepSettings,
    state: Buffer,
    order: Buffer,
    rates: Buffer,
    records: Buffer,
    labels: Buffer,
    dlogits: Buffer,
    statistics: View,
}

impl Parts<'_, '_> {
    /// The whole step: advance, gather, forward, loss, backward, update.
    fn step(&self, workspace: &mut Workspace, batch: usize) -> Result<Plan> {
        let (network, settings, state) = (self.network, self.settings, self.state.view());
        let mut recorder = Recorder::new();
        let (weights, scaling) = (self.weights, self.weights.scaling.view());
        let growth = if settings.scaled() { settings.loss_scale_growth } else { 0 };
        recorder.push(optimizer::advance(batch, growth, &self.rates.view(), &state, &scaling));
        let gather = Gather {
            batch,
            height: self.size[0],
            width: self.size[1],
            augment: settings.augment,
            normalize: settings.normalize.clone(),
            seed: settings.seed,
        };
        let views = BatchViews {
            order: self.order.view(),
            state: state.clone(),
            statistics: self.statistics.clone(),
            images: workspace.value(network, 0, batch),
            labels: self.labels.view(),
        };
        self.batches.gather(&gather, self.images, &views, &mut recorder);
        if settings.mixup > 0.0 {
            recorder.push(mixup(batch, gather.height * gather.width, &state, &views.images));
        }
        let logits = workspace.value(network, network.logits(), batch);
        let dlogits: View = self.dlogits.view().first(network.words(network.logits(), batch));
        let mut pass = Pass {
            gpu: self.gpu,
            network,
            weights: self.weights,
            workspace,
            state: state.clone(),
            seed: settings.seed,
            batch,
            mode: Mode::Train,
            choices: &settings.choices,
        };
        pass.forward(&mut recorder)?;
        let loss = CrossEntropy {
            batch,
            classes: network.classes,
            smoothing: settings.label_smoothing,
            mixup: settings.mixup > 0.0,
        };
        recorder.push(loss.forward(&logits, &self.labels.view(), &state, &dlogits, &self.records.view()));
        pass.backward(&dlogits, &mut recorder)?;
        self.optimizer.record(weights, &state, &mut recorder);
        recorder.finish(self.gpu)
    }
}
