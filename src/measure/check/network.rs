//! Whole networks: the recorded plan of a training step against the f64 twin, every gradient by name.
//!
//! The tolerance of a tensor is the distance (Euclidean norm) between the exact twin and one whose every layer carries
//! random errors of [`AMPLITUDE`] times f32's typical rounding, [`Twin::blurred`]: it grows with depth and with the length
//! of the sums, and knows how this network and these data pass errors on. A kinked activation could change side where
//! what it is applied to is within rounding of 0; so the data are of the first seed whose signs are the same in both twins.

use super::case::Outcome;
use super::compare::{Comparison, POISON, compare, compare_words};
use super::lab::pack_vectors;
use super::twin::{Given, Twin};
use crate::gpu::{Gpu, Plan, Recorder};
use crate::kernels::conv::{Choices, Direction, MadeFor};
use crate::kernels::loss::CrossEntropy;
use crate::kernels::optimizer::State;
use crate::kernels::{Activation, groups_of_four};
use crate::measure::convolutions::shapes;
use crate::nn::models::{
    self, DropSite, Regularize, ResidualDrop, Settings, ShortcutOption, SiteDrop, WeightDrop,
};
use crate::nn::{self, Network, Pass, Role, Weights, Workspace, initial};
use crate::reference::Mode;
use crate::rng::{Sequence, Stream};
use crate::{Error, Result};

/// Errors that tolerances allow, in units of those that rounding to nearest typically makes.
const AMPLITUDE: f64 = 8.0;
const BATCH: usize = 3;
const STEP: u32 = 21;
const SMOOTHING: f32 = 0.1;
/// Seeds that are tried for data without a sign in doubt.
const SEEDS: u32 = 40;

/// A network with data, to be compared on a device.
#[derive(Clone, Debug)]
pub struct NetworkCase {
    /// A name of [`models::build`].
    pub model: &'static str,
    /// The activation's SPEC.
    pub spec: &'static str,
    /// Shortcuts where the shape changes.
    pub option: ShortcutOption,
    /// Training or evaluation.
    pub mode: Mode,
    /// Factor on the channels.
    pub width: usize,
    /// Which of the convolutions' candidates: those made for this kind of device.
    pub made_for: MadeFor,
    /// The candidate that is taken instead wherever it fits, from so many channels on.
    pub preferred: Option<(&'static str, usize)>,
    /// What drops elements, and where.
    pub drop: Option<(&'static str, DropSite)>,
    /// What drops branches.
    pub residual: ResidualDrop,
    /// What drops weights: share, and whether of linear layers only.
    pub dropconnect: Option<(f32, bool)>,
}

/// The networks that are compared: kinds of activations, both shortcuts, both modes, and wider and deeper ones.
pub fn network_cases() -> Vec<NetworkCase> {
    let (option, mode, made_for) = (ShortcutOption::A, Mode::Train, MadeFor::Cpu);
    let usual = NetworkCase {
        model: "resnet8",
        spec: "relu",
        option,
        mode,
        width: 1,
        made_for,
        preferred: None,
        drop: None,
        residual: ResidualDrop::None,
        dropconnect: None,
    };
    let mut cases = Vec::new();
    for spec in ["relu", "leaky_relu", "dropact:retain=0.8", "rrelu", "rrelu:mode=paper"] {
        for option in [ShortcutOption::A, ShortcutOption::B] {
            for mode in [Mode::Train, Mode::Eval] {
                cases.push(NetworkCase { spec, option, mode, ..usual });
            }
        }
    }
    cases.push(NetworkCase { made_for: MadeFor::Comparison, ..usual });
    cases.push(NetworkCase { made_for: MadeFor::Gpu, ..usual });
    // F(4x4) for one stage: a driver that runs on the CPU compiles it for up to ten seconds.
    for preferred in [("winograd2x16", 1), ("winograd2x32", 1), ("winograd4", 64)] {
        cases.push(NetworkCase { preferred: Some(preferred), ..usual });
    }
    for spec in
        ["silu", "probact:sigma=0.25", "dropact:retain=0.6,unit=channel", "mix:retain=0.7,unit=sample"]
    {
        cases.push(NetworkCase { spec, ..usual });
    }
    cases.push(NetworkCase { model: "resnet20", spec: "dropact", ..usual });
    for spec in ["prelu", "prelu:share=channel", "probact_learned"] {
        cases.push(NetworkCase { spec, ..usual });
    }
    // Drivers that run on the CPU take a second to compile each convolution made for them: what has channels of its own takes
    // those made for any device.
    let short = NetworkCase { made_for: MadeFor::Any, ..usual.clone() };
    for spec in ["crelu", "maxout:pieces=3"] {
        cases.push(NetworkCase { spec, ..short });
    }
    cases.push(NetworkCase { width: 2, ..short });
    for model in ["resnet8_seed", "resnet_v1_8", "resnet_v2_11", "wrn_10_2", "mlp_3x18", "mlp_bn_3x18"] {
        for mode in [Mode::Train, Mode::Eval] {
            cases.push(NetworkCase { model, spec: "elu", mode, ..short });
        }
    }
    for mode in [Mode::Train, Mode::Eval] {
        cases.push(NetworkCase { model: "airbench_2", spec: "gelu", mode, ..short });
    }
    let plain = NetworkCase { made_for: MadeFor::Comparison, ..short.clone() };
    for spec in ["crelu", "maxout"] {
        cases.push(NetworkCase { model: "resnet8_seed", spec, ..plain });
    }
    cases.push(NetworkCase { model: "resnet8_seed", spec: "prelu", ..short });
    cases.extend(regularised(&short));
    cases
}

/// Each regulariser at its place, in training and, where evaluation differs from nothing, there.
fn regularised(short: &NetworkCase) -> Vec<NetworkCase> {
    let mut cases = Vec::new();
    for (spec, site) in [
        ("dropout:rate=0.3", DropSite::Block),
        ("dropout:rate=0.3,unit=channel", DropSite::Activations),
        ("alpha_dropout:rate=0.1", DropSite::Head),
        ("gaussian_dropout:rate=0.2", DropSite::Block),
        ("dropblock:rate=0.2,block=3", DropSite::Block),
    ] {
        cases.push(NetworkCase { drop: Some((spec, site)), ..short.clone() });
    }
    cases.push(NetworkCase {
        model: "mlp_3x18",
        drop: Some(("alpha_dropout:rate=0.2", DropSite::Block)),
        spec: "selu",
        ..short.clone()
    });
    for model in ["resnet14", "resnet8_seed"] {
        for mode in [Mode::Train, Mode::Eval] {
            for residual in
                [ResidualDrop::StochasticDepth { survival: 0.5 }, ResidualDrop::ShakeDrop { survival: 0.5 }]
            {
                cases.push(NetworkCase { model, mode, residual, ..short.clone() });
            }
            for linear_only in [true, false] {
                cases.push(NetworkCase {
                    model,
                    mode,
                    dropconnect: Some((0.25, linear_only)),
                    ..short.clone()
                });
            }
        }
    }
    cases
}

/// What a device gave.
struct Got {
    logits: Vec<f32>,
    record: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    statistics: Vec<Vec<f32>>,
}

/// A network's plan on a device, with the buffers that its results are read from.
struct Setup {
    network: Network,
    weights: Weights,
    workspace: Workspace,
    records: crate::gpu::Buffer,
    plan: Plan,
}

impl NetworkCase {
    /// What tells the case from others.
    pub fn name(&self) -> String {
        let Self { model, spec, option, mode, width, made_for, preferred, .. } = self;
        let mut rest = preferred.map_or(String::new(), |(name, _)| format!(", {name}"));
        if let Some((drop, site)) = self.drop {
            rest += &format!(", {drop} at {site:?}");
        }
        if self.residual != ResidualDrop::None {
            rest += &format!(", {:?}", self.residual);
        }
        if let Some((rate, linear_only)) = self.dropconnect {
            rest +=
                &format!(", dropconnect {rate} of {} weights", if linear_only { "linear" } else { "all" });
        }
        format!("{model}, {spec}, option {option:?}, width {width}, {mode:?}, kernels for {made_for:?}{rest}")
    }

    fn network(&self) -> Result<Network> {
        let drop =
            self.drop.map(|(spec, site)| SiteDrop::parse(spec).map(|drop| (drop, site))).transpose()?;
        let dropconnect =
            self.dropconnect.map(|(rate, linear_only)| WeightDrop { rate, linear_only, gaussian: false });
        let regularize = Regularize { drop, residual: self.residual, dropconnect };
        let settings = Settings {
            // Three poolings halve it, and a last one takes what is left.
            input: if self.model.starts_with("airbench") { [26, 25, 3] } else { [9, 7, 3] },
            option: self.option,
            width: self.width,
            regularize,
            ..Settings::cifar10(Activation::parse(self.spec)?)
        };
        models::build(self.model, &settings)
    }

    /// Weights as they start, gamma, beta and statistics away from 1 and 0, normal images.
    fn given(&self, network: &Network, seed: u32) -> Given {
        let mut sequence = Sequence::new(seed, Stream::Test, 3, 3);
        let mut values = |parameter: &nn::Parameter, index: usize| -> Vec<f64> {
            let start = initial(parameter, index, seed);
            let each = |start: f32| match parameter.role {
                Role::Gamma | Role::RunningVar => 0.5 + sequence.uniform(),
                Role::Beta | Role::RunningMean | Role::Bias | Role::Activation => 0.5 * sequence.normal(),
                _ => f64::from(start),
            };
            start.into_iter().map(each).map(|value| f64::from(value as f32)).collect()
        };
        let all = |tensors: &[nn::Parameter], values: &mut dyn FnMut(&nn::Parameter, usize) -> Vec<f64>| {
            tensors.iter().enumerate().map(|(index, parameter)| values(parameter, index)).collect()
        };
        let parameters = all(&network.parameters, &mut values);
        let statistics = all(&network.statistics, &mut values);
        let images = BATCH * network.input.iter().product::<usize>();
        Given {
            parameters,
            statistics,
            images: (0..images).map(|_| f64::from(sequence.normal() as f32)).collect(),
            labels: (0..BATCH).map(|_| sequence.below(network.classes as u32)).collect(),
            smoothing: f64::from(SMOOTHING),
            seed,
            step: STEP,
            mode: self.mode,
        }
    }

    /// The first data without a sign in doubt, with both twins.
    fn settle(&self, network: &Network) -> Result<(Given, Twin, Twin)> {
        for seed in 0..SEEDS {
            let given = self.given(network, seed);
            let (exact, blurred) = (Twin::exact(network, &given), Twin::blurred(network, &given, AMPLITUDE));
            let pairs = exact.preactivations.iter().flatten().zip(blurred.preactivations.iter().flatten());
            if pairs.into_iter().all(|(a, b)| (*a > 0.0) == (*b > 0.0)) {
                return Ok((given, exact, blurred));
            }
        }
        Err(Error::kernel("network", format!("{}: no seed below {SEEDS} keeps all signs", self.name())))
    }

    fn choices(&self, network: &Network) -> Choices {
        let mut choices = Choices::made_for(self.made_for);
        let Some((name, least)) = self.preferred else { return choices };
        for conv in shapes(network, BATCH).iter().filter(|conv| conv.in_channels >= least) {
            for direction in [Direction::Forward, Direction::InputGradient] {
                let preferred = direction.candidates().iter().find(|own| own.name == name);
                if let Some(preferred) = preferred.filter(|own| (own.fits)(conv)) {
                    choices.fix(direction, conv, preferred);
                }
            }
        }
        choices
    }

    fn setup(&self, gpu: &Gpu, given: &Given) -> Result<Setup> {
        let network = self.network()?;
        let weights = Weights::new(gpu, &network, BATCH)?;
        let mut workspace = Workspace::new(gpu, &network, BATCH, BATCH, false)?;
        let narrow = super::lab::narrow;
        for (parameter, values) in network.parameters.iter().zip(&given.parameters) {
            weights.set(gpu, parameter, &narrow(values))?;
        }
        for (parameter, values) in network.statistics.iter().zip(&given.statistics) {
            weights.set(gpu, parameter, &narrow(values))?;
        }
        let words = weights.gradient.view().len_words();
        gpu.write(&weights.gradient.view(), &vec![POISON; words])?;
        let images = workspace.value(&network, 0, BATCH);
        gpu.write(&images, &narrow(&pack_vectors(&given.images, network.input[2])))?;
        let labels = gpu.upload("labels", &given.labels)?.view();
        let state = gpu.upload("state", &[State { step: STEP, ..State::default() }])?.view();
        let records = gpu.buffer("records", 2)?;
        let dlogits = gpu.buffer("dlogits", BATCH * groups_of_four(network.classes) * 4)?.view();
        let logits = workspace.value(&network, network.logits(), BATCH);
        let mut recorder = Recorder::new();
        let mode = match self.mode {
            Mode::Train => nn::Mode::Train,
            Mode::Eval => nn::Mode::Eval,
        };
        let choices = self.choices(&network);
        let mut pass = Pass {
            gpu,
            network: &network,
            weights: &weights,
            workspace: &mut workspace,
            state: state.clone(),
            seed: given.seed,
            batch: BATCH,
            mode,
            choices: &choices,
        };
        pass.forward(&mut recorder)?;
        let loss =
            CrossEntropy { batch: BATCH, classes: network.classes, smoothing: SMOOTHING, mixup: false };
        recorder.push(loss.forward(&logits, &labels, &state, &dlogits, &records.view()));
        pass.backward(&dlogits, &mut recorder)?;
        let plan = recorder.finish(gpu)?;
        Ok(Setup { network, weights, workspace, records, plan })
    }

    /// Compares logits, loss, every gradient and every running statistic.
    ///
    /// # Errors
    /// A device that is lost or has too little memory, or data whose signs are all in doubt.
    pub fn run(&self, gpu: &Gpu) -> Result<Vec<Outcome>> {
        let (given, exact, blurred) = self.settle(&self.network()?)?;
        let setup = self.setup(gpu, &given)?;
        let got = setup.run(gpu)?;
        let network = &setup.network;
        let distance = (blurred.loss - exact.loss).abs() + blurred.loss_rounding;
        let loss = [exact.loss, exact.loss + distance].map(|loss| vec![loss * BATCH as f64]);
        let mut all = vec![
            tensor("logits", &got.logits, &exact.logits, &blurred.logits),
            tensor("loss", &got.record[..1], &loss[0], &loss[1]),
        ];
        for (i, parameter) in network.parameters.iter().enumerate() {
            let name = format!("grad.{}", parameter.name);
            all.push(tensor(&name, &got.gradients[i], &exact.gradients[i], &blurred.gradients[i]));
        }
        for (i, parameter) in network.statistics.iter().enumerate() {
            let (exact, blurred) = (&exact.statistics[i], &blurred.statistics[i]);
            all.push(tensor(&parameter.name, &got.statistics[i], exact, blurred));
        }
        all.into_iter().map(|tensor| Outcome::worst("network", &self.name(), vec![tensor])).collect()
    }

    /// Whether the same step gives the same bits again: logits, loss and all gradients of a replay of the same plan, and of another
    /// plan in buffers of its own.
    ///
    /// # Errors
    /// As [`NetworkCase::run`].
    pub fn deterministic(&self, gpu: &Gpu) -> Result<Outcome> {
        let given = self.given(&self.network()?, 1);
        let bits = |got: Got| -> Vec<u32> {
            let gradients = got.gradients.into_iter().flatten();
            got.logits.into_iter().chain(got.record).chain(gradients).map(f32::to_bits).collect()
        };
        let setup = self.setup(gpu, &given)?;
        let (first, second) = (bits(setup.run(gpu)?), bits(setup.run(gpu)?));
        let third = bits(self.setup(gpu, &given)?.run(gpu)?);
        let comparisons = vec![
            compare_words("second replay", &second, &first),
            compare_words("another plan", &third, &first),
        ];
        Outcome::worst("network", &format!("{}, the same bits again", self.name()), comparisons)
    }
}

impl Setup {
    fn run(&self, gpu: &Gpu) -> Result<Got> {
        self.plan.run(gpu)?;
        let (network, weights) = (&self.network, &self.weights);
        let logits: Vec<f32> = gpu.read(&self.workspace.value(network, network.logits(), BATCH))?;
        let width = groups_of_four(network.classes) * 4;
        Ok(Got {
            logits: logits.chunks_exact(width).flat_map(|row| row[..network.classes].to_vec()).collect(),
            record: gpu.read(&self.records.view().first(2))?,
            gradients: weights.get(gpu, &weights.gradient, &network.parameters)?,
            statistics: weights.get(gpu, &weights.statistics, &network.statistics)?,
        })
    }
}

/// Compares a tensor by the norm of its error. An element that is NaN or was not written is wrong in any case.
fn tensor(name: &str, got: &[f32], exact: &[f64], blurred: &[f64]) -> Comparison {
    let finite = compare(name, got, exact, &vec![f64::MAX; exact.len()]);
    if !finite.ok {
        return finite;
    }
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let max_error = norm(&mut got.iter().zip(exact).map(|(got, exact)| f64::from(*got) - exact));
    let tolerance = norm(&mut blurred.iter().zip(exact).map(|(blurred, exact)| blurred - exact));
    let ok = max_error <= tolerance;
    let reason = match ok {
        true => String::new(),
        false => format!(
            "{name}: the norm of the error is {max_error:e}, expected at most {tolerance:e}, of a tensor of norm {:e}",
            norm(&mut exact.iter().copied())
        ),
    };
    Comparison { max_error, tolerance, ok, reason, ..finite }
}
