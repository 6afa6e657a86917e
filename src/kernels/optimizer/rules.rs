//! How gradients become updates: one dispatch over all parameters.

use bytemuck::{Pod, Zeroable};

use super::{dispatch, fours};
use crate::gpu::{Access, Binding, Dispatch, Groups, Kernel, View};
use crate::kernels::{lib, shader};

/// What every rule appends, after [`Treatment`].
const CONSTANTS: &[&str] = &["SCALED", "CLIP_NORM", "CLIP_VALUE", "DECOUPLED", "L1"];

const fn kernel(
    name: &'static str,
    source: &'static str,
    bindings: &'static [Binding],
    params_bytes: usize,
) -> Kernel {
    let libraries = &[lib::INDEX, lib::STATE, lib::UPDATE];
    Kernel {
        name,
        source,
        libraries,
        bindings,
        params_bytes,
        workgroup: 64,
        constants: CONSTANTS,
        activation: false,
    }
}

/// SGD with momentum.
pub static SGD: Kernel = kernel(
    "optimizer/sgd",
    shader!("optimizer/sgd"),
    &[
        ("gradient", Access::Read),
        ("decay", Access::Read),
        ("state", Access::Read),
        ("scaling", Access::Read),
        ("weight", Access::Write),
        ("buffer", Access::Write),
    ],
    size_of::<SgdParams>(),
);
/// Adam, AdamW and Nadam.
pub static ADAM: Kernel = kernel(
    "optimizer/adam",
    shader!("optimizer/adam"),
    &[
        ("gradient", Access::Read),
        ("decay", Access::Read),
        ("state", Access::Read),
        ("scaling", Access::Read),
        ("weight", Access::Write),
        ("first_moment", Access::Write),
        ("second_moment", Access::Write),
    ],
    size_of::<AdamParams>(),
);
/// RMSprop.
pub static RMSPROP: Kernel = kernel(
    "optimizer/rmsprop",
    shader!("optimizer/rmsprop"),
    &[
        ("gradient", Access::Read),
        ("decay", Access::Read),
        ("state", Access::Read),
        ("scaling", Access::Read),
        ("weight", Access::Write),
        ("square", Access::Write),
        ("buffer", Access::Write),
    ],
    size_of::<RmsPropParams>(),
);

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct SgdParams {
    count: u32,
    momentum: f32,
    nesterov: u32,
    most: f32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct AdamParams {
    count: u32,
    beta1: f32,
    beta2: f32,
    eps: f32,
    rest1: f32,
    rest2: f32,
    most: f32,
    pad: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct RmsPropParams {
    count: u32,
    rho: f32,
    rest: f32,
    eps: f32,
    momentum: f32,
    most: f32,
    pad: [u32; 2],
}

/// SGD's settings: PyTorch's momentum (without dampening) and Nesterov form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Share of the old buffer that stays, in [0, 1).
    pub momentum: f64,
    /// Whether to look ahead.
    pub nesterov: bool,
}

/// The settings of Adam and its kin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Share of the first moment that stays, in [0, 1).
    pub beta1: f64,
    /// Share of the second moment that stays, in [0, 1).
    pub beta2: f64,
    /// Added to the second moment's root, above 0.
    pub eps: f64,
    /// Which of the kin.
    pub form: AdamForm,
}

/// What becomes of the two moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AdamForm {
    /// Both corrected for their bias, then eps added (algorithm 1 of the paper; PyTorch).
    Corrected,
    /// eps added to the root of the uncorrected second moment ("epsilon hat", end of section 2 of the paper; Keras,
    /// TensorFlow).
    EpsilonHat,
    /// Nadam with Nesterov's look-ahead, mu_t = beta1 (1 - 0.96^(t psi) / 2): psi 0.004 as PyTorch and Keras up to 2.10,
    /// 1 as Keras from 2.11 on.
    Nadam {
        /// Speed of mu's rise, above 0.
        psi: f64,
    },
}

/// RMSprop's settings, in PyTorch's form: eps outside the root, no centring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Share of the mean square that stays, in [0, 1); PyTorch's alpha.
    pub rho: f64,
    /// Added to the mean square's root, above 0.
    pub eps: f64,
    /// Share of the old update that stays, in [0, 1).
    pub momentum: f64,
}

/// An update rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adam, AdamW or Nadam.
    Adam(Adam),
    /// RMSprop.
    RmsProp(RmsProp),
}

/// How large gradients are cut, before any penalty is added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Clip {
    /// Not at all.
    #[default]
    None,
    /// All of it by one factor, so that its norm is at most this (`torch.nn.utils.clip_grad_norm_`).
    Norm(f32),
    /// Each element to at most this magnitude (`clip_grad_value_`).
    Value(f32),
}

/// What happens to the gradient before the rule takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Treatment {
    /// Whether gradients are divided by the loss scale, and a step whose gradients are not finite is left out.
    pub scaled: bool,
    /// How large gradients are cut.
    pub clip: Clip,
    /// Whether weight decay shrinks the weights itself, past the rule, rather than being added to the gradient.
    pub decoupled: bool,
    /// Whether any parameter has an L1 penalty.
    pub l1: bool,
}

impl Rule {
    /// What the rule keeps of each parameter from step to step, by PyTorch's names.
    pub fn slots(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd(_) => &["momentum"],
            Self::Adam(_) => &["exp_avg", "exp_avg_sq"],
            Self::RmsProp(_) => &["square_avg", "momentum"],
        }
    }

    /// Adam's factors (first moment, gradient, second moment) of the steps from number `step` on, which counts from 1.
    pub fn factors(&self, step: u64) -> impl Iterator<Item = [f32; 3]> + use<> {
        let adam = if let Self::Adam(adam) = *self { Some(adam) } else { None };
        let mut product = adam.map_or(1.0, |adam| adam.product(step - 1));
        (step..).map(move |t| {
            let Some(adam) = adam else { return [1.0, 0.0, 1.0] };
            product *= adam.mu(t);
            adam.factors(t, product).map(|factor| factor as f32)
        })
    }

    /// One update of all weights from gradient, decay (weight decay, L1, factor on the learning rate and 0 for each 64 words), state
    /// and scaling;
    /// `slots` as [`Rule::slots`].
    pub fn step(&self, treatment: Treatment, views: [&View; 4], weight: &View, slots: &[&View]) -> Dispatch {
        let count = fours(weight);
        let most = if let Clip::Value(most) = treatment.clip { most } else { 0.0 };
        let bindings = views.into_iter().chain([weight]).chain(slots.iter().copied());
        let mut all = match *self {
            Self::Sgd(Sgd { momentum, nesterov }) => {
                let momentum = momentum as f32;
                let params = SgdParams { count, momentum, nesterov: u32::from(nesterov), most };
                dispatch(&SGD, bindings, params, Groups::cover(u64::from(count), SGD.workgroup))
            }
            Self::Adam(Adam { beta1, beta2, eps, .. }) => {
                let params = AdamParams {
                    count,
                    beta1: beta1 as f32,
                    beta2: beta2 as f32,
                    eps: eps as f32,
                    rest1: (1.0 - beta1) as f32,
                    rest2: (1.0 - beta2) as f32,
                    most,
                    pad: 0,
                };
                dispatch(&ADAM, bindings, params, Groups::cover(u64::from(count), ADAM.workgroup))
            }
            Self::RmsProp(RmsProp { rho, eps, momentum }) => {
                let params = RmsPropParams {
                    count,
                    rho: rho as f32,
                    rest: (1.0 - rho) as f32,
                    eps: eps as f32,
                    momentum: momentum as f32,
                    most,
                    pad: [0; 2],
                };
                dispatch(&RMSPROP, bindings, params, Groups::cover(u64::from(count), RMSPROP.workgroup))
            }
        };
        all.constants = all
            .constants
            .bool("SCALED", treatment.scaled)
            .bool("CLIP_NORM", matches!(treatment.clip, Clip::Norm(_)))
            .bool("CLIP_VALUE", matches!(treatment.clip, Clip::Value(_)))
            .bool("DECOUPLED", treatment.decoupled)
            .bool("L1", treatment.l1);
        all
    }
}

impl Adam {
    /// Nadam's momentum of step `t`; beta1 where it does not change.
    fn mu(&self, t: u64) -> f64 {
        match self.form {
            AdamForm::Nadam { psi } => self.beta1 * (1.0 - 0.5 * 0.96f64.powf(t as f64 * psi)),
            _ => self.beta1,
        }
    }

    /// mu_1 * ... * mu_t.
    fn product(&self, t: u64) -> f64 {
        let mut product = 1.0;
        for step in 1..=t {
            product *= self.mu(step);
            if product == 0.0 {
                break;
            }
        }
        product
    }

    fn factors(&self, t: u64, product: f64) -> [f64; 3] {
        let second = 1.0 - self.beta2.powf(t as f64);
        match self.form {
            AdamForm::Corrected => [1.0 / (1.0 - product), 0.0, 1.0 / second],
            AdamForm::EpsilonHat => [second.sqrt() / (1.0 - product), 0.0, 1.0],
            AdamForm::Nadam { .. } => {
                let next = self.mu(t + 1);
                [next / (1.0 - product * next), (1.0 - self.mu(t)) / (1.0 - product), 1.0 / second]
            }
        }
    }
}
