//! Activations as the cases use them: which there are, and their twins element by element.

use crate::kernels::activation::Kind;
use crate::kernels::{ACTIVATIONS, Activation, Noise};
use crate::measure::check::tolerance::Approx;
use crate::reference::{self, Mode, Shape};
use crate::rng::Stream;
use crate::{Error, Result};

/// The noise that all cases draw from.
pub(super) const NOISE: Noise = Noise { seed: 1234, layer: 5 };
/// The step that all cases are at.
pub(super) const STEP: u32 = 77;

/// Every activation of the table; where a parameter is a choice, with each of its words, where it is a function, also with
/// one that is not the default, and where there are numbers, once with all of them three quarters of their defaults.
pub(super) fn specs() -> Vec<String> {
    let mut specs = Vec::new();
    for row in ACTIVATIONS {
        let before = specs.len();
        let mut add = |parameter: &str, word: &str| specs.push(format!("{}:{parameter}={word}", row.name));
        for parameter in row.parameters {
            match parameter.kind {
                Kind::Number { .. } | Kind::Count { .. } => {}
                Kind::Choice(words) => words.iter().for_each(|word| add(parameter.name, word)),
                Kind::Function(_) => add(parameter.name, "gaaf_tanh"),
            }
        }
        if specs.len() == before {
            specs.push(row.name.to_owned());
        }
        let numbers = row.parameters.iter().filter_map(|parameter| match parameter.kind {
            Kind::Number { min, default, .. } => {
                Some(format!("{}={}", parameter.name, (0.75 * default).max(min)))
            }
            _ => None,
        });
        let numbers: Vec<String> = numbers.collect();
        if !numbers.is_empty() {
            specs.push(format!("{}:{}", row.name, numbers.join(",")));
        }
    }
    specs
}

/// An activation at one place, with its twin.
pub(super) struct Site {
    pub(super) activation: Activation,
    pub(super) mode: Mode,
    twin: &'static reference::activation::Activation,
    parameters: Vec<f64>,
}

impl Site {
    pub(super) fn new(spec: &str, mode: Mode) -> Result<Self> {
        let activation = Activation::parse(spec)?;
        let name = activation.row.name;
        let Some(twin) = reference::activation::find(name) else {
            return Err(Error::kernel("activation/forward", format!("{name} has no twin")));
        };
        let parameters = activation.values().iter().map(|&value| f64::from(value)).collect();
        Ok(Self { activation, mode, twin, parameters })
    }

    pub(super) fn train(&self) -> bool {
        self.mode == Mode::Train
    }

    /// The twin's site, with the cases' noise.
    pub(super) fn reference(&self) -> reference::activation::Site<'_> {
        let noise =
            reference::Noise { seed: NOISE.seed, stream: Stream::Activation, step: STEP, layer: NOISE.layer };
        reference::activation::Site {
            activation: self.twin,
            parameters: &self.parameters,
            noise,
            mode: self.mode,
        }
    }

    /// Value and derivative at z, the element of row `row` and channel `c`.
    pub(super) fn apply(&self, z: Approx, shape: Shape, row: usize, c: usize) -> [Approx; 2] {
        self.reference().bounds(z, shape, row, c)
    }
}
