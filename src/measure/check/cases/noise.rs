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

/// Every activation of the table; where a parameter is a choice, with each of its words.
pub(super) fn specs() -> Vec<String> {
    let mut specs = Vec::new();
    for row in ACTIVATIONS {
        let before = specs.len();
        for parameter in row.parameters {
            if let Kind::Choice(words) = parameter.kind {
                specs.extend(words.iter().map(|word| format!("{}:{}={word}", row.name, parameter.name)));
            }
        }
        if specs.len() == before {
            specs.push(row.name.to_owned());
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
    ulps: f64,
}

impl Site {
    pub(super) fn new(spec: &str, mode: Mode) -> Result<Self> {
        let activation = Activation::parse(spec)?;
        let name = activation.row.name;
        let (Some(twin), Some(ulps)) = (reference::activation::find(name), ulps(name)) else {
            return Err(Error::kernel("activation/forward", format!("{name} has no twin or no tolerance")));
        };
        let parameters = activation.values().iter().map(|&value| f64::from(value)).collect();
        Ok(Self { activation, mode, twin, parameters, ulps })
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
        let functions = match self.mode {
            Mode::Train => [self.twin.value, self.twin.derivative],
            Mode::Eval => [self.twin.eval_value, self.twin.eval_derivative],
        };
        let draws = self.twin.random && self.mode == Mode::Train;
        let u = if draws { self.reference().noise.uniform_of_row(shape, row, c) } else { 0.0 };
        functions.map(|function| z.through(self.ulps, |z| function(z, u, &self.parameters)))
    }
}

/// How many units in the last place an activation's own arithmetic may cost, by WGSL's table.
fn ulps(name: &str) -> Option<f64> {
    match name {
        "identity" | "relu" => Some(0.0),
        // One multiplication.
        "leaky_relu" => Some(1.0),
        // 1 - RETAIN, and one multiplication.
        "dropact" => Some(2.0),
        // 1/UPPER and 1/LOWER 2.5, mix x*(1-u) + y*u 3, the division 2.5, the multiplication 1.
        "rrelu" => Some(9.0),
        _ => None,
    }
}
