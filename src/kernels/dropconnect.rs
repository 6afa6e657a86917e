//! DropConnect (`shaders/dropconnect`; Wan et al., ICML 2013): masks on weights, and its Gaussian form at test time.

use super::{Noise, lib, shader};
use crate::gpu::{Access, Binding, Constants, Dispatch, Groups, Kernel, View};

const fn kernel(
    name: &'static str,
    source: &'static str,
    libraries: &'static [&'static str],
    bindings: &'static [Binding],
    constants: &'static [&'static str],
) -> Kernel {
    Kernel {
        name,
        source,
        libraries,
        bindings,
        params_bytes: 16,
        workgroup: 64,
        constants,
        activation: false,
    }
}

/// connected_weight = mask weight, or the variance of that.
pub static WEIGHTS: Kernel = kernel(
    "dropconnect/weights",
    shader!("dropconnect/weights"),
    &[lib::INDEX, lib::STATE, lib::PHILOX, lib::CONNECTIONS],
    &[
        ("weight", Access::Read),
        ("dropped", Access::Read),
        ("state", Access::Read),
        ("connected_weight", Access::Write),
    ],
    &["RATE", "TRAIN", "VARIANCE"],
);
/// gradient *= mask.
pub static GRADIENT: Kernel = kernel(
    "dropconnect/gradient",
    shader!("dropconnect/gradient"),
    &[lib::INDEX, lib::STATE, lib::PHILOX, lib::CONNECTIONS],
    &[("dropped", Access::Read), ("state", Access::Read), ("gradient", Access::Write)],
    &["RATE", "TRAIN"],
);
/// y = x^2.
pub static SQUARE: Kernel = kernel(
    "dropconnect/square",
    shader!("dropconnect/square"),
    &[lib::INDEX],
    &[("x", Access::Read), ("y", Access::Write)],
    &[],
);
/// y += sqrt(variance) normal.
pub static SAMPLE: Kernel = kernel(
    "dropconnect/sample",
    shader!("dropconnect/sample"),
    &[lib::INDEX, lib::STATE, lib::PHILOX, lib::NORMAL],
    &[("variance", Access::Read), ("state", Access::Read), ("y", Access::Write)],
    &[],
);

/// A network's DropConnect.
#[derive(Clone, Copy, Debug)]
pub struct DropConnect {
    /// Share of weights that is dropped, in [0, 1).
    pub rate: f32,
    /// Where its random numbers come from.
    pub noise: Noise,
}

impl DropConnect {
    fn dispatch(
        kernel: &'static Kernel,
        constants: Constants,
        bindings: &[&View],
        noise: Noise,
        words: usize,
    ) -> Dispatch {
        let count = (words / 4) as u32;
        Dispatch::new(
            kernel,
            bindings,
            [count, noise.layer, noise.seed, 0],
            Groups::cover(u64::from(count), kernel.workgroup),
        )
        .constants(constants)
    }

    fn constants(&self, train: bool) -> Constants {
        Constants::new().f32("RATE", self.rate).bool("TRAIN", train)
    }

    /// connected = mask weight; without `train` (1 - rate) weight. `dropped` is 1 for each 64 words that the masks are for.
    pub fn weights(&self, train: bool, [weight, dropped, state]: [&View; 3], connected: &View) -> Dispatch {
        let constants = self.constants(train).bool("VARIANCE", false);
        let bindings = [weight, dropped, state, connected];
        Self::dispatch(&WEIGHTS, constants, &bindings, self.noise, weight.len_words())
    }

    /// connected = rate (1 - rate) weight^2.
    pub fn variances(&self, [weight, dropped, state]: [&View; 3], connected: &View) -> Dispatch {
        let constants = self.constants(false).bool("VARIANCE", true);
        let bindings = [weight, dropped, state, connected];
        Self::dispatch(&WEIGHTS, constants, &bindings, self.noise, weight.len_words())
    }

    /// gradient *= mask, as [`DropConnect::weights`] drew it.
    pub fn gradient(&self, train: bool, dropped: &View, state: &View, gradient: &View) -> Dispatch {
        let bindings = [dropped, state, gradient];
        Self::dispatch(&GRADIENT, self.constants(train), &bindings, self.noise, gradient.len_words())
    }
}

/// y = x^2.
pub fn square(x: &View, y: &View) -> Dispatch {
    let none = Noise { seed: 0, layer: 0 };
    DropConnect::dispatch(&SQUARE, Constants::new(), &[x, y], none, x.len_words())
}

/// y += sqrt(variance) times a standard normal.
pub fn sample(noise: Noise, variance: &View, state: &View, y: &View) -> Dispatch {
    DropConnect::dispatch(&SAMPLE, Constants::new(), &[variance, state, y], noise, y.len_words())
}
