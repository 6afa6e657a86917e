//! The table of activations, their SPEC strings, and the kernels that apply one by itself (`shaders/activation`).

use super::{Rows, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Kernel, View};
use crate::{Error, Result};

/// y = activation(x).
pub static FORWARD: Kernel = Kernel {
    name: "activation/forward",
    source: shader!("activation/forward"),
    libraries: &[lib::INDEX, lib::ROWS, lib::FOUR, lib::STATE, lib::PHILOX, lib::ACTIVATION],
    bindings: &[("x", Access::Read), ("state", Access::Read), ("y", Access::Write)],
    params_bytes: 16,
    workgroup: Rows::WIDE,
    constants: &["C4", "PIXELS", "CHANNELS", "TRAIN", "STOCHASTIC"],
    activation: true,
};

/// dy *= activation'(x).
pub static BACKWARD: Kernel = Kernel {
    name: "activation/backward",
    source: shader!("activation/backward"),
    bindings: &[("x", Access::Read), ("state", Access::Read), ("dy", Access::Write)],
    ..FORWARD
};

/// What a parameter of an activation may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A number in this closed range.
    Number {
        /// Least value.
        min: f32,
        /// Greatest value.
        max: f32,
        /// Value where none is given.
        default: f32,
    },
    /// One of these words; the first is the default, the shader gets the position as u32.
    Choice(&'static [&'static str]),
}

/// A parameter of an activation.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Name in a SPEC string.
    pub name: &'static str,
    /// Name of the shader's constant.
    pub constant: &'static str,
    /// Range and default.
    pub kind: Kind,
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// Name in a SPEC string and of the file in `shaders/activation/functions`.
    pub name: &'static str,
    /// The file's text.
    pub source: &'static str,
    /// Training form, for listings.
    pub formula: &'static str,
    /// Parameters, in the order of the shader's constants.
    pub parameters: &'static [Parameter],
    /// Whether the training form draws random numbers, and evaluation has its own form.
    pub stochastic: bool,
}

const fn number(name: &'static str, constant: &'static str, min: f32, max: f32, default: f32) -> Parameter {
    Parameter { name, constant, kind: Kind::Number { min, max, default } }
}

/// Every activation. A new one is a shader file, a row here, and a pair of functions in the reference.
pub const ACTIVATIONS: &[Row] = &[
    Row {
        name: "identity",
        source: shader!("activation/functions/identity"),
        formula: "x",
        parameters: &[],
        stochastic: false,
    },
    Row {
        name: "relu",
        source: shader!("activation/functions/relu"),
        formula: "max(x, 0)",
        parameters: &[],
        stochastic: false,
    },
    Row {
        name: "leaky_relu",
        source: shader!("activation/functions/leaky_relu"),
        formula: "x > 0 ? x : negative_slope x",
        parameters: &[number("negative_slope", "NEGATIVE_SLOPE", -1.0, 1.0, 0.01)],
        stochastic: false,
    },
    Row {
        name: "dropact",
        source: shader!("activation/functions/dropact"),
        formula: "relu(x) with probability retain, else x",
        parameters: &[number("retain", "RETAIN", 0.0, 1.0, 0.95)],
        stochastic: true,
    },
    Row {
        name: "rrelu",
        source: shader!("activation/functions/rrelu"),
        formula: "x > 0 ? x : a x, a ~ U(lower, upper)",
        parameters: &[
            number("lower", "LOWER", 1e-3, 1.0, 1.0 / 8.0),
            number("upper", "UPPER", 1e-3, 1.0, 1.0 / 3.0),
            Parameter { name: "mode", constant: "MODE", kind: Kind::Choice(&["torch", "paper", "seed"]) },
        ],
        stochastic: true,
    },
];

/// An activation with its parameters' values, as a SPEC string names it: `dropact:retain=0.95`.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The row of the table.
    pub row: &'static Row,
    values: Vec<f32>,
}

impl Activation {
    /// The activation without parameters given.
    fn default_of(row: &'static Row) -> Self {
        let values = row.parameters.iter().map(|parameter| match parameter.kind {
            Kind::Number { default, .. } => default,
            Kind::Choice(_) => 0.0,
        });
        Self { row, values: values.collect() }
    }

    /// y = x: a batch norm without an activation.
    pub fn identity() -> Self {
        Self::default_of(&ACTIVATIONS[0])
    }

    /// Reads `name` or `name:key=value,key=value`.
    ///
    /// # Errors
    /// An unknown name or key, a value that is no number or outside its range: named, with what there is.
    pub fn parse(spec: &str) -> Result<Self> {
        let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
        let row = ACTIVATIONS.iter().find(|row| row.name == name).ok_or_else(|| {
            let names: Vec<_> = ACTIVATIONS.iter().map(|row| row.name).collect();
            Error::usage(format!("unknown activation {name:?}: there are {}", names.join(", ")))
        })?;
        let mut activation = Self::default_of(row);
        for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
            activation.set(pair)?;
        }
        Ok(activation)
    }

    fn set(&mut self, pair: &str) -> Result<()> {
        let name = self.row.name;
        let fail = |reason: String| Err(Error::usage(format!("activation {name}: {reason}")));
        let Some((key, value)) = pair.split_once('=') else {
            return fail(format!("expected key=value, got {pair:?}"));
        };
        let Some(place) = self.row.parameters.iter().position(|parameter| parameter.name == key) else {
            let known: Vec<_> = self.row.parameters.iter().map(|parameter| parameter.name).collect();
            let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
            return fail(format!("unknown parameter {key:?}: {known}"));
        };
        self.values[place] = match self.row.parameters[place].kind {
            Kind::Number { min, max, .. } => match value.parse::<f32>() {
                Ok(number) if (min..=max).contains(&number) => number,
                _ => return fail(format!("{key} must be a number in {min}..={max}, got {value:?}")),
            },
            Kind::Choice(words) => match words.iter().position(|word| *word == value) {
                Some(place) => place as f32,
                None => return fail(format!("{key} must be one of {}, got {value:?}", words.join(", "))),
            },
        };
        Ok(())
    }

    /// The parameters' values, in the table's order; a choice as its position.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The whole SPEC, with every parameter.
    pub fn spec(&self) -> String {
        let pairs: Vec<_> = self
            .row
            .parameters
            .iter()
            .zip(&self.values)
            .map(|(parameter, value)| match parameter.kind {
                Kind::Number { .. } => format!("{}={value}", parameter.name),
                Kind::Choice(words) => format!("{}={}", parameter.name, words[*value as usize]),
            })
            .collect();
        if pairs.is_empty() {
            self.row.name.to_owned()
        } else {
            format!("{}:{}", self.row.name, pairs.join(","))
        }
    }

    /// The shader text of the functions, complete with those for evaluation.
    pub fn source(&self) -> String {
        let evaluation = if self.row.stochastic { "" } else { lib::DETERMINISTIC };
        format!("{}\n{evaluation}", self.row.source)
    }

    /// The shader constants: parameters, TRAIN, STOCHASTIC.
    pub fn constants(&self, train: bool) -> Constants {
        let constants = Constants::new().bool("TRAIN", train).bool("STOCHASTIC", self.row.stochastic);
        self.row.parameters.iter().zip(&self.values).fold(constants, |all, (parameter, &value)| {
            match parameter.kind {
                Kind::Number { .. } => all.f32(parameter.constant, value),
                Kind::Choice(_) => all.u32(parameter.constant, value as u32),
            }
        })
    }
}

/// Where a stochastic kernel's random numbers come from.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// The run's seed.
    pub seed: u32,
    /// Number of the layer, different for each place that draws.
    pub layer: u32,
}

/// y = activation(x).
pub fn forward(
    act: &Activation,
    train: bool,
    noise: Noise,
    rows: Rows,
    x: &View,
    state: &View,
    y: &View,
) -> Dispatch {
    apply(&FORWARD, act, train, noise, rows, [x, state, y])
}

/// dy *= activation'(x).
pub fn backward(
    act: &Activation,
    train: bool,
    noise: Noise,
    rows: Rows,
    x: &View,
    state: &View,
    dy: &View,
) -> Dispatch {
    apply(&BACKWARD, act, train, noise, rows, [x, state, dy])
}

fn apply(
    kernel: &'static Kernel,
    act: &Activation,
    train: bool,
    noise: Noise,
    rows: Rows,
    bindings: [&View; 3],
) -> Dispatch {
    let params = [rows.rows() as u32, rows.element_chunk() as u32, noise.layer, noise.seed];
    Dispatch {
        kernel,
        constants: rows.constants().with(&act.constants(train)),
        activation: Some(act.source()),
        bindings: bindings.into_iter().cloned().collect(),
        params: bytemuck::cast_slice(&params).to_vec(),
        groups: rows.element_groups(),
        label: String::new(),
        flops: 0,
    }
}
