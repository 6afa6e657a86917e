//! Evaluation with running statistics: logits on the device, everything else in f64 on the host.

use serde::Serialize;

use super::dataset::DeviceImages;
use super::feed::{BatchViews, Batches};
use super::normalize::normalize;
use super::settings::split_kind;
use crate::config::{RunConfig, Tta};
use crate::data::{Dataset, Images};
use crate::gpu::{Buffer, Gpu, Plan, Recorder};
use crate::kernels::augment::{Augment, Gather, Normalize};
use crate::kernels::conv::Choices;
use crate::kernels::optimizer::{self, LossScale, Rates, State};
use crate::kernels::{groups_of_four, loss};
use crate::nn::{Mode, Network, Pass, Weights, Workspace};
use crate::{Error, Result};

/// How a network does on a set of images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Share of right answers, 0..1.
    pub accuracy: f64,
    /// Mean cross-entropy, without label smoothing.
    pub loss: f64,
    /// Number of images.
    pub count: usize,
    /// `confusion[label][answer]`: numbers of images.
    pub confusion: Vec<Vec<u64>>,
}

impl Evaluation {
    /// Judges logits (`classes` an image) by their labels; of equal logits the first counts.
    pub fn of(logits: &[f32], labels: &[u8], classes: usize) -> Self {
        let mut confusion = vec![vec![0u64; classes]; classes];
        let mut loss = 0.0;
        for (row, &label) in logits.chunks_exact(classes).zip(labels) {
            let best = (0..classes).fold(0, |best, k| if row[k] > row[best] { k } else { best });
            confusion[usize::from(label)][best] += 1;
            let highest = f64::from(row[best]);
            let total: f64 = row.iter().map(|&z| (f64::from(z) - highest).exp()).sum();
            loss += total.ln() - (f64::from(row[usize::from(label)]) - highest);
        }
        let right: u64 = (0..classes).map(|k| confusion[k][k]).sum();
        let count = labels.len();
        let mean = |sum: f64| sum / count.max(1) as f64;
        Self { accuracy: mean(right as f64), loss: mean(loss), count, confusion }
    }
}

/// A plan that takes images of one set through the network in evaluation mode.
pub struct Evaluator<'i> {
    pub(super) batches: Batches<'i>,
    plan: Plan,
    batch: usize,
    classes: usize,
    images: usize,
    state: Buffer,
    order: Buffer,
    results: Buffer,
}

/// What an evaluator is made of.
pub struct EvaluatorParts<'a, 'i> {
    /// The device.
    pub gpu: &'a Gpu,
    /// The network.
    pub network: &'a Network,
    /// Its parameters.
    pub weights: &'a Weights,
    /// Room for a forward pass of `batch` images.
    pub workspace: &'a mut Workspace,
    /// The images.
    pub data: &'a DeviceImages<'i>,
    /// How many of them are evaluated at once.
    pub batch: usize,
    /// What becomes of the bytes.
    pub normalize: Normalize,
    /// Which kernels compute the convolutions.
    pub choices: &'a Choices,
}

impl<'i> Evaluator<'i> {
    /// Records the evaluation of `images` images.
    ///
    /// # Errors
    /// Not enough device memory, or a shader that does not compile.
    pub fn new(parts: EvaluatorParts<'_, 'i>, images: usize) -> Result<Self> {
        let EvaluatorParts { gpu, network, weights, workspace, data, batch, normalize, choices } = parts;
        let state = gpu.buffer("evaluation state", size_of::<State>() / 4)?;
        let order = gpu.buffer("evaluation order", images)?;
        let rates = gpu.buffer("evaluation rates", images.div_ceil(batch) * size_of::<Rates>() / 4)?;
        let labels = gpu.buffer("evaluation labels", batch)?;
        let results = gpu.buffer("evaluation results", images * groups_of_four(network.classes) * 4)?;
        let mut recorder = Recorder::new();
        let scaling = gpu.upload("evaluation scaling", &[LossScale::ONE])?.view();
        recorder.push(optimizer::advance(batch, 0, &rates.view(), &state.view(), &scaling));
        let (height, width) = (data.height, data.width);
        let statistics = normalize.statistics(gpu)?.view();
        let gather = Gather { batch, height, width, augment: Augment::NONE, normalize, seed: 0 };
        let views = BatchViews {
            order: order.view(),
            state: state.view(),
            statistics,
            images: workspace.value(network, 0, batch),
            labels: labels.view(),
        };
        let batches = data.batches(gpu, batch)?;
        batches.gather(&gather, images, &views, &mut recorder);
        let logits = workspace.value(network, network.logits(), batch);
        let mut pass = Pass {
            gpu,
            network,
            weights,
            workspace,
            state: state.view(),
            seed: 0,
            batch,
            mode: Mode::Eval,
            choices,
        };
        pass.forward(&mut recorder)?;
        recorder.push(loss::collect(batch, network.classes, images, &logits, &state.view(), &results.view()));
        let plan = recorder.finish(gpu)?;
        Ok(Self { batches, plan, batch, classes: network.classes, images, state, order, results })
    }

    /// Bytes that [`Evaluator::logits`] reads back.
    pub(super) fn result_bytes(&self) -> u64 {
        self.results.bytes()
    }

    /// The logits of the images with these numbers (as many as the evaluator was made for), `classes` each.
    ///
    /// # Errors
    /// A lost device.
    pub fn logits(&self, gpu: &Gpu, order: &[u32]) -> Result<Vec<f32>> {
        self.sample(gpu, order, 0)
    }

    /// The same with the noise of Monte Carlo sample `number`, in a network that has noise in evaluation.
    ///
    /// # Errors
    /// A lost device.
    pub fn sample(&self, gpu: &Gpu, order: &[u32], number: u32) -> Result<Vec<f32>> {
        gpu.write(&self.order.view(), order)?;
        // Every batch of every sample is a step of its own.
        let batches = self.images.div_ceil(self.batch) as u32;
        gpu.write(&self.state.view(), &[State::before(number.wrapping_mul(batches), 0, 0)])?;
        self.batches.begin(order);
        for first in (0..self.images).step_by(self.batch) {
            self.batches.bring(gpu, first, self.batch)?;
            self.plan.submit(gpu);
        }
        let padded: Vec<f32> = gpu.read(&self.results.view())?;
        let width = groups_of_four(self.classes) * 4;
        let rows = padded.chunks_exact(width).take(self.images);
        Ok(rows.flat_map(|row| &row[..self.classes]).copied().collect())
    }
}

/// A trained network on a device, and how it was trained.
#[derive(Clone, Copy)]
pub struct TrainedNetwork<'a> {
    /// The device.
    pub gpu: &'a Gpu,
    /// The run's configuration.
    pub config: &'a RunConfig,
    /// The network.
    pub network: &'a Network,
    /// Its parameters.
    pub weights: &'a Weights,
    /// Which kernels compute the convolutions: those of the run give the run's own bits.
    pub choices: &'a Choices,
}

/// Which images of a run's data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainedImages {
    /// Training images that the run learned from.
    Train,
    /// Training images that it was judged by.
    Validation,
    /// Test images.
    Test,
}

impl TrainedImages {
    /// Logits and labels of these images, with a trained network; the mean over views where the configuration asks for some.
    ///
    /// # Errors
    /// No such images, or a lost device.
    pub fn logits(self, trained: &TrainedNetwork, dataset: &Dataset) -> Result<(Vec<f32>, Vec<u8>)> {
        let views = Passes::Views(trained.config.evaluate.tta);
        let (mut all, labels) = self.passes(trained, dataset, views)?;
        Ok((all.remove(0), labels))
    }

    /// Logits of `samples` passes, with the noise of each where the network has noise in evaluation, and labels.
    ///
    /// # Errors
    /// As [`TrainedImages::logits`].
    pub fn samples(
        self,
        trained: &TrainedNetwork,
        dataset: &Dataset,
        samples: u32,
    ) -> Result<(Vec<Vec<f32>>, Vec<u8>)> {
        self.passes(trained, dataset, Passes::Samples(samples))
    }

    fn passes(
        self,
        trained: &TrainedNetwork,
        dataset: &Dataset,
        passes: Passes,
    ) -> Result<(Vec<Vec<f32>>, Vec<u8>)> {
        let config = trained.config;
        let split = split_kind(config)?.split(&dataset.train.labels, dataset.classes.len(), config.seed)?;
        let (images, order) = match self {
            Self::Train => (&dataset.train, split.train.clone()),
            Self::Validation => (&dataset.train, split.val.clone()),
            Self::Test => (&dataset.test, (0..dataset.test.len() as u32).collect()),
        };
        if order.is_empty() {
            return Err(Error::usage("the run has no such images: choose another --split"));
        }
        let labels = order.iter().map(|&i| images.labels[i as usize]).collect();
        let normalize = normalize(config, &dataset.train, &split.train);
        let which = (images, order.as_slice());
        Ok((evaluate(trained, which, normalize, passes)?, labels))
    }
}

/// What an evaluation gives.
#[derive(Clone, Copy)]
enum Passes {
    /// Logits of so many passes.
    Samples(u32),
    /// Mean logits of these views.
    Views(Tta),
}

/// Logits of any images as they are, normalised as the run's own were.
///
/// # Errors
/// No images, or a lost device.
pub fn logits_of(trained: &TrainedNetwork, dataset: &Dataset, images: &Images) -> Result<Vec<f32>> {
    let config = trained.config;
    let split = split_kind(config)?.split(&dataset.train.labels, dataset.classes.len(), config.seed)?;
    let order: Vec<u32> = (0..images.len() as u32).collect();
    let normalize = normalize(config, &dataset.train, &split.train);
    Ok(evaluate(trained, (images, &order), normalize, Passes::Samples(1))?.remove(0))
}

fn evaluate(
    trained: &TrainedNetwork,
    (images, order): (&Images, &[u32]),
    normalize: Normalize,
    passes: Passes,
) -> Result<Vec<Vec<f32>>> {
    let &TrainedNetwork { gpu, config, network, weights, choices } = trained;
    let batch = (config.eval_batch as usize).min(order.len());
    let mut workspace = Workspace::new(gpu, network, batch, 0, false)?;
    let data = DeviceImages::place(gpu, config, images)?;
    let parts = EvaluatorParts {
        gpu,
        network,
        weights,
        workspace: &mut workspace,
        data: &data,
        batch,
        normalize,
        choices,
    };
    let evaluator = Evaluator::new(parts, order.len())?;
    match passes {
        Passes::Samples(samples) => (0..samples).map(|number| evaluator.sample(gpu, order, number)).collect(),
        Passes::Views(tta) => Ok(vec![evaluator.mean_logits(gpu, order, (&data, images), tta)?]),
    }
}
