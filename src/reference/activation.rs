//! Activations: a table of pure functions of one element, and their use on tensors.
//!
//! A row is one pair of functions, value and derivative, and a second pair where evaluation differs from training.
//! x = 0 belongs to the negative side. A NaN stays a NaN.

use super::{Mode, Noise, Shape, threshold};

/// A function of (x, u, parameters): u is the element's uniform in [0, 1), parameters are in the row's order.
pub type Function = fn(f64, f64, &[f64]) -> f64;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Activation {
    /// The name that users write.
    pub name: &'static str,
    /// Names and defaults of the parameters, in order.
    pub parameters: &'static [(&'static str, f64)],
    /// y in training.
    pub value: Function,
    /// dy/dx in training, with the same u as the value.
    pub derivative: Function,
    /// y in evaluation; u is not used.
    pub eval_value: Function,
    /// dy/dx in evaluation; u is not used.
    pub eval_derivative: Function,
    /// Whether training uses u.
    pub random: bool,
}

impl Activation {
    /// A row without randomness, the same in training and evaluation.
    const fn fixed(
        name: &'static str,
        parameters: &'static [(&'static str, f64)],
        value: Function,
        derivative: Function,
    ) -> Self {
        Self {
            name,
            parameters,
            value,
            derivative,
            eval_value: value,
            eval_derivative: derivative,
            random: false,
        }
    }

    /// A row with randomness in training; `train` and `eval` are (value, derivative).
    const fn random(
        name: &'static str,
        parameters: &'static [(&'static str, f64)],
        train: (Function, Function),
        eval: (Function, Function),
    ) -> Self {
        Self {
            name,
            parameters,
            value: train.0,
            derivative: train.1,
            eval_value: eval.0,
            eval_derivative: eval.1,
            random: true,
        }
    }

    /// The parameters' defaults, in order.
    pub fn defaults(&self) -> Vec<f64> {
        self.parameters.iter().map(|&(_, default)| default).collect()
    }
}

/// All activations.
pub const ACTIVATIONS: &[Activation] = &[
    Activation::fixed("identity", &[], identity, identity_derivative),
    Activation::fixed("relu", &[], relu, relu_derivative),
    Activation::fixed("leaky_relu", &[("negative_slope", 0.01)], leaky_relu, leaky_relu_derivative),
    Activation::random(
        "dropact",
        &[("retain", 0.95)],
        (dropact, dropact_derivative),
        (dropact_eval, dropact_eval_derivative),
    ),
    Activation::random(
        "rrelu",
        &[("lower", 1.0 / 8.0), ("upper", 1.0 / 3.0), ("mode", RRELU_TORCH)],
        (rrelu, rrelu_derivative),
        (rrelu_eval, rrelu_eval_derivative),
    ),
];

/// The row called `name`.
pub fn find(name: &str) -> Option<&'static Activation> {
    ACTIVATIONS.iter().find(|row| row.name == name)
}

/// An activation with everything that it needs at one place of a network.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The row.
    pub activation: &'a Activation,
    /// Its parameters, in the row's order.
    pub parameters: &'a [f64],
    /// Where its random numbers come from.
    pub noise: Noise,
    /// Training or evaluation.
    pub mode: Mode,
}

impl Site<'_> {
    /// y from x, element by element.
    pub fn forward(&self, x: &[f64], shape: Shape) -> Vec<f64> {
        let function = match self.mode {
            Mode::Train => self.activation.value,
            Mode::Eval => self.activation.eval_value,
        };
        self.map(function, x, shape)
    }

    /// dx = dy * dy/dx(x), with the forward pass's random numbers.
    pub fn backward(&self, dy: &[f64], x: &[f64], shape: Shape) -> Vec<f64> {
        shape.check("dy", dy);
        let function = match self.mode {
            Mode::Train => self.activation.derivative,
            Mode::Eval => self.activation.eval_derivative,
        };
        let mut dx = self.map(function, x, shape);
        for (dx, dy) in dx.iter_mut().zip(dy) {
            *dx *= dy;
        }
        dx
    }

    fn map(&self, function: Function, x: &[f64], shape: Shape) -> Vec<f64> {
        shape.check("x", x);
        let expected = self.activation.parameters.len();
        assert_eq!(self.parameters.len(), expected, "{} takes {expected} parameters", self.activation.name);
        let draw = self.activation.random && self.mode == Mode::Train;
        let mut y = Vec::with_capacity(x.len());
        for row in 0..shape.rows() {
            for c in 0..shape.c {
                let u = if draw { self.noise.uniform_of_row(shape, row, c) } else { 0.0 };
                y.push(function(x[row * shape.c + c], u, self.parameters));
            }
        }
        y
    }
}

fn identity(x: f64, _: f64, _: &[f64]) -> f64 {
    x
}

fn identity_derivative(_: f64, _: f64, _: &[f64]) -> f64 {
    1.0
}

fn rectify(x: f64, negative_slope: f64) -> f64 {
    if x <= 0.0 { negative_slope * x } else { x }
}

fn rectify_derivative(x: f64, negative_slope: f64) -> f64 {
    if x <= 0.0 { negative_slope } else { 1.0 }
}

fn relu(x: f64, _: f64, _: &[f64]) -> f64 {
    rectify(x, 0.0)
}

fn relu_derivative(x: f64, _: f64, _: &[f64]) -> f64 {
    rectify_derivative(x, 0.0)
}

fn leaky_relu(x: f64, _: f64, parameters: &[f64]) -> f64 {
    rectify(x, parameters[0])
}

fn leaky_relu_derivative(x: f64, _: f64, parameters: &[f64]) -> f64 {
    rectify_derivative(x, parameters[0])
}

/// DropActivation (Liang, Khoo, Yang, arXiv 1811.05850): with probability `retain` the nonlinearity stays, m = 1, else
/// the element passes unchanged: y = m*relu(x) + (1-m)*x. The slope on the negative side is 1-m.
fn dropact_slope(u: f64, retain: f64) -> f64 {
    if u < threshold(retain) { 0.0 } else { 1.0 }
}

fn dropact(x: f64, u: f64, parameters: &[f64]) -> f64 {
    rectify(x, dropact_slope(u, parameters[0]))
}

fn dropact_derivative(x: f64, u: f64, parameters: &[f64]) -> f64 {
    rectify_derivative(x, dropact_slope(u, parameters[0]))
}

fn dropact_eval(x: f64, _: f64, parameters: &[f64]) -> f64 {
    rectify(x, 1.0 - parameters[0])
}

fn dropact_eval_derivative(x: f64, _: f64, parameters: &[f64]) -> f64 {
    rectify_derivative(x, 1.0 - parameters[0])
}

/// RReLU's `mode` as in PyTorch: slope uniform in [lower, upper), evaluated with its mean.
pub const RRELU_TORCH: f64 = 0.0;
/// RReLU's `mode` as in the paper's text (Xu, Wang, Chen, Li, arXiv 1505.00853): y = x/a with a uniform in
/// [1/upper, 1/lower), evaluated with the mean of a.
pub const RRELU_PAPER: f64 = 1.0;
/// RReLU's `mode` of a published replication: trained as in PyTorch, evaluated as in the paper.
pub const RRELU_SEED: f64 = 2.0;

fn rrelu_slope(u: f64, parameters: &[f64]) -> f64 {
    let (lower, upper, mode) = (parameters[0], parameters[1], parameters[2]);
    if mode == RRELU_PAPER {
        1.0 / (1.0 / upper + (1.0 / lower - 1.0 / upper) * u)
    } else {
        lower + (upper - lower) * u
    }
}

fn rrelu_eval_slope(parameters: &[f64]) -> f64 {
    let (lower, upper, mode) = (parameters[0], parameters[1], parameters[2]);
    if mode == RRELU_TORCH { (lower + upper) / 2.0 } else { 2.0 / (1.0 / lower + 1.0 / upper) }
}

fn rrelu(x: f64, u: f64, parameters: &[f64]) -> f64 {
    rectify(x, rrelu_slope(u, parameters))
}

fn rrelu_derivative(x: f64, u: f64, parameters: &[f64]) -> f64 {
    rectify_derivative(x, rrelu_slope(u, parameters))
}

fn rrelu_eval(x: f64, _: f64, parameters: &[f64]) -> f64 {
    rectify(x, rrelu_eval_slope(parameters))
}

fn rrelu_eval_derivative(x: f64, _: f64, parameters: &[f64]) -> f64 {
    rectify_derivative(x, rrelu_eval_slope(parameters))
}
