//! The optimizer on the device: what it keeps of each parameter, which parameters decay, clipping, the moving average.

use super::checkpoint::Checkpoint;
use super::prune::masks;
use crate::config::PruneScope;
use crate::gpu::{Buffer, Gpu, Plan, Recorder, View};
use crate::kernels::optimizer::{self, Clip, GradientNorm, Rates, Rule, Treatment};
use crate::nn::{ALIGN, Network, Parameter, Role, Trained, Weights};
use crate::{Error, Result};

/// Prefix of what the optimizer keeps, in checkpoints; the slot's name and the parameter's follow.
const SLOT: &str = "optimizer.";
/// Prefix of the trained weights where a moving average stands under the plain names.
const TRAINED: &str = "train.weight.";
/// Prefix of the masks of pruned weights.
const MASK: &str = "prune.mask.";

/// How gradients become updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimizerSettings {
    /// The update rule.
    pub rule: Rule,
    /// What happens to the gradient before.
    pub treatment: Treatment,
    /// Weight decay, in PyTorch's sense: gradient += decay * weight; times lr off the weights where it is decoupled.
    pub weight_decay: f32,
    /// L1 penalty: gradient += l1 * sign(weight).
    pub l1: f32,
    /// Whether only filters and matrices are penalised.
    pub kernels_only: bool,
    /// Share of the weights' moving average that stays, where there is one.
    pub average: Option<f64>,
    /// Whether weights are pruned.
    pub prunes: bool,
    /// Factor on the learning rate of batch norms' biases (beta); their penalties are divided by it, so that a step's decay stays.
    pub norm_bias_lr: f32,
    /// Steps that the rule counts before the run's first.
    pub steps_before: u64,
}

impl OptimizerSettings {
    /// The rates of steps from `step` of the run on (from 0), with these learning rates.
    pub fn rates(&self, step: u32, lr: &[f32]) -> Vec<Rates> {
        let factors = self.rule.factors(self.steps_before + u64::from(step) + 1);
        lr.iter().zip(factors).map(|(&lr, factors)| Rates { factors, ..Rates::from(lr) }).collect()
    }

    /// Weight decay, L1, and the factor on the learning rate in an epoch (from 0): a row of the table that rules read.
    fn row(&self, parameter: &Parameter, epoch: u32) -> [f32; 4] {
        let penalised = match parameter.role {
            Role::Activation => false,
            role => role.is_kernel() || !self.kernels_only,
        };
        let own = if parameter.role == Role::Beta { self.norm_bias_lr } else { 1.0 };
        let factor = if parameter.trained.in_epoch(epoch) { own } else { 0.0 };
        let [decay, l1] = if penalised { [self.weight_decay / own, self.l1 / own] } else { [0.0; 2] };
        [decay, l1, factor, 0.0]
    }

    /// A row for each 64 words.
    fn table(&self, network: &Network, words: usize, epoch: u32) -> Vec<[f32; 4]> {
        let mut table = vec![[0.0f32; 4]; words / ALIGN];
        for parameter in &network.parameters {
            let blocks = parameter.first / ALIGN..(parameter.first + parameter.words).div_ceil(ALIGN);
            table[blocks].fill(self.row(parameter, epoch));
        }
        table
    }
}

/// The optimizer's buffers.
pub struct Optimizer {
    settings: OptimizerSettings,
    slots: Vec<(&'static str, Buffer)>,
    decay: Buffer,
    norm: Option<GradientNorm>,
    average: Option<Average>,
    mask: Option<Buffer>,
}

struct Average {
    decay: f64,
    buffer: Buffer,
    swap: Plan,
}

impl Optimizer {
    /// Buffers for the parameters of `network`; zeros, as every rule begins.
    ///
    /// # Errors
    /// Not enough device memory.
    pub fn new(gpu: &Gpu, network: &Network, weights: &Weights, settings: OptimizerSettings) -> Result<Self> {
        let words = weights.weight.view().len_words();
        let slot = |&name: &&'static str| Ok((name, gpu.buffer(name, words)?));
        let slots = settings.rule.slots().iter().map(slot).collect::<Result<_>>()?;
        let norm = match settings.treatment.clip {
            Clip::Norm(_) => Some(GradientNorm::new(gpu, words)?),
            _ => None,
        };
        let average = match settings.average {
            None => None,
            Some(decay) => {
                let buffer = gpu.buffer("average", words)?;
                let mut recorder = Recorder::new();
                recorder.push(optimizer::swap(&weights.weight.view(), &buffer.view()));
                Some(Average { decay, buffer, swap: recorder.finish(gpu)? })
            }
        };
        let table = settings.table(network, words, 0);
        let mask = settings.prunes.then(|| gpu.upload("mask", &vec![1.0f32; words])).transpose()?;
        Ok(Self { settings, slots, decay: gpu.upload("decay", &table)?, norm, average, mask })
    }

    /// Appends the update of a step.
    pub fn record(&self, weights: &Weights, state: &View, recorder: &mut Recorder) {
        let (gradient, weight) = (weights.gradient.view(), weights.weight.view());
        if let (Some(norm), Clip::Norm(most)) = (&self.norm, self.settings.treatment.clip) {
            norm.dispatches(&gradient, state, most).into_iter().for_each(|dispatch| recorder.push(dispatch));
        }
        let (decay, scaling) = (self.decay.view(), weights.scaling.view());
        let slots: Vec<View> = self.slots.iter().map(|(_, buffer)| buffer.view()).collect();
        let slots: Vec<&View> = slots.iter().collect();
        let views = [&gradient, &decay, state, &scaling];
        recorder.push(self.settings.rule.step(self.settings.treatment, views, &weight, &slots));
        let mask = self.mask.as_ref().map(Buffer::view);
        if let Some(mask) = &mask {
            recorder.push(optimizer::mask(mask, &weight));
        }
        if let Some(average) = &self.average {
            let buffer = average.buffer.view();
            recorder.push(optimizer::average(average.decay, &weight, state, &buffer));
            if let Some(mask) = &mask {
                recorder.push(optimizer::mask(mask, &buffer));
            }
        }
    }

    /// Prepares epoch `epoch`, from 0: some parameters may be trained in the first ones only.
    ///
    /// # Errors
    /// A lost device.
    pub fn enter_epoch(&self, gpu: &Gpu, network: &Network, epoch: u32) -> Result<()> {
        if !network.parameters.iter().any(|parameter| matches!(parameter.trained, Trained::First(_))) {
            return Ok(());
        }
        let decay = self.decay.view();
        gpu.write(&decay, &self.settings.table(network, decay.len_words() / 4 * ALIGN, epoch))
    }

    /// The weights as they are now begin the average.
    ///
    /// # Errors
    /// A lost device.
    pub fn begin(&self, gpu: &Gpu, weights: &Weights) -> Result<()> {
        let Some(average) = &self.average else { return Ok(()) };
        let flat: Vec<f32> = gpu.read(&weights.weight.view())?;
        gpu.write(&average.buffer.view(), &flat)
    }

    /// Prunes the weights as they are now: `share` of the kernels' smallest become 0 and stay there.
    ///
    /// # Errors
    /// A lost device.
    pub fn prune(
        &self,
        gpu: &Gpu,
        network: &Network,
        weights: &Weights,
        share: f64,
        scope: PruneScope,
    ) -> Result<()> {
        let Some(mask) = &self.mask else { return Ok(()) };
        let values = weights.get(gpu, &weights.weight, &network.parameters)?;
        let masks = masks(&network.parameters, &values, share, scope);
        for (parameter, values) in network.parameters.iter().zip(&masks) {
            weights.set_in(gpu, mask, parameter, values)?;
        }
        let mut recorder = Recorder::new();
        recorder.push(optimizer::mask(&mask.view(), &weights.weight.view()));
        if let Some(average) = &self.average {
            recorder.push(optimizer::mask(&mask.view(), &average.buffer.view()));
        }
        recorder.finish(gpu)?.run(gpu)
    }

    /// Averaged and trained weights change places; nothing without an average. Twice is as never.
    pub fn swap(&self, gpu: &Gpu) {
        if let Some(average) = &self.average {
            average.swap.submit(gpu);
        }
    }

    /// Adds what a run needs to go on: the rule's slots; with an average it stands under the plain names, since it is
    /// what is evaluated, and the trained weights under their own.
    ///
    /// # Errors
    /// A lost device.
    pub fn capture(
        &self,
        gpu: &Gpu,
        network: &Network,
        weights: &Weights,
        checkpoint: &mut Checkpoint,
    ) -> Result<()> {
        let parameters = &network.parameters;
        let mut add = |prefix: &str, buffer: &Buffer| -> Result<()> {
            for (parameter, values) in parameters.iter().zip(weights.get(gpu, buffer, parameters)?) {
                let name = format!("{prefix}{}", parameter.name);
                checkpoint.tensors.insert(name, (parameter.shape.clone(), values));
            }
            Ok(())
        };
        for (name, buffer) in &self.slots {
            add(&format!("{SLOT}{name}."), buffer)?;
        }
        if let Some(mask) = &self.mask {
            add(MASK, mask)?;
        }
        if let Some(average) = &self.average {
            add("", &average.buffer)?;
            add(TRAINED, &weights.weight)?;
        }
        Ok(())
    }

    /// Puts back what [`Optimizer::capture`] took, after the plain names are on the device.
    ///
    /// # Errors
    /// A tensor that is missing or has another length.
    pub fn restore(
        &self,
        gpu: &Gpu,
        network: &Network,
        weights: &Weights,
        checkpoint: &Checkpoint,
    ) -> Result<()> {
        let set = |prefix: &str, buffer: &Buffer| -> Result<()> {
            for parameter in &network.parameters {
                let name = format!("{prefix}{}", parameter.name);
                let Some((_, values)) = checkpoint.tensors.get(&name) else {
                    let reason =
                        format!("the checkpoint has no tensor {name}: it was not written to go on from");
                    return Err(Error::usage(reason));
                };
                weights.set_in(gpu, buffer, parameter, values)?;
            }
            Ok(())
        };
        for (name, buffer) in &self.slots {
            set(&format!("{SLOT}{name}."), buffer)?;
        }
        if let Some(mask) = &self.mask {
            set(MASK, mask)?;
        }
        if let Some(average) = &self.average {
            set("", &average.buffer)?;
            set(TRAINED, &weights.weight)?;
        }
        Ok(())
    }
}
