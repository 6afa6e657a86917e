//! Activations: a table of pure functions of one element, and their use on tensors.
//!
//! A row is one pair of functions, value and derivative, and a second pair where evaluation differs from training. Each is
//! written once, generic over `Real`: in f64 it is the twin, in [`Approx`] it gives the shader's largest error.
//! A NaN stays a NaN.

mod channels;
mod dropouts;
mod elementary;
mod fixed;
mod gaaf;
mod learned;
mod random;

pub use channels::{doubled, doubled_backward, maxout, maxout_backward};
pub use dropouts::{ALPHA_LIMIT, PLACE_BEFORE, alpha_affine};
pub use fixed::{GELU_ERF, GELU_TANH, SELU};
pub use gaaf::{SHAPE_PAPER, SHAPE_REPO, SIDE_BOTH, VARIANT_FLOOR};
pub use random::{RRELU_PAPER, RRELU_SEED, RRELU_TORCH};

use dropouts::*;
use fixed::*;
use gaaf::*;
use random::*;

use super::real::Both;
use super::tolerance::Approx;
use super::{Mode, Noise, Shape, Unit};

/// A function of (x, noise, parameters): noise is the element's uniform in [0, 1) or standard normal, parameters are in the
/// row's order; a choice counts as its position, an activation as its place in the table.
pub type Function = fn(f64, f64, &[f64]) -> f64;

/// The same with the errors of f32.
pub type Bound = fn(Approx, Approx, &[f64]) -> Approx;

/// What an activation draws for each element in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draws {
    /// Nothing.
    Nothing,
    /// A uniform in [0, 1).
    Uniform,
    /// A standard normal.
    Normal,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Activation {
    /// The name that users write.
    pub name: &'static str,
    /// Names and defaults of the parameters, in order.
    pub parameters: &'static [(&'static str, f64)],
    /// y in training.
    pub value: Function,
    /// dy/dx in training, with the same noise as the value.
    pub derivative: Function,
    /// y in evaluation; the noise is not used.
    pub eval_value: Function,
    /// dy/dx in evaluation; the noise is not used.
    pub eval_derivative: Function,
    /// The four functions in this order with the errors of f32.
    pub bounds: [Bound; 4],
    /// What training draws.
    pub draws: Draws,
    /// dy/da in training, where the first parameter a is learned.
    pub learned: Option<Both>,
}

impl Activation {
    /// The parameters' defaults, in order.
    pub fn defaults(&self) -> Vec<f64> {
        self.parameters.iter().map(|&(_, default)| default).collect()
    }

    /// Value and derivative in a mode.
    pub fn functions(&self, mode: Mode) -> [Function; 2] {
        match mode {
            Mode::Train => [self.value, self.derivative],
            Mode::Eval => [self.eval_value, self.eval_derivative],
        }
    }

    /// The same with the errors of f32.
    pub fn bounds(&self, mode: Mode) -> [Bound; 2] {
        let [value, derivative, eval_value, eval_derivative] = self.bounds;
        match mode {
            Mode::Train => [value, derivative],
            Mode::Eval => [eval_value, eval_derivative],
        }
    }

    fn both(&self) -> [Both; 2] {
        [
            Both { exact: self.value, bound: self.bounds[0] },
            Both { exact: self.derivative, bound: self.bounds[1] },
        ]
    }

    /// What shares one draw: the parameter `unit`, where there is one.
    pub fn unit(&self, parameters: &[f64]) -> Unit {
        let unit = self.parameters.iter().zip(parameters).find(|((name, _), _)| *name == "unit");
        match unit {
            Some((_, 1.0)) => Unit::Channel,
            Some((_, 2.0)) => Unit::Sample,
            _ => Unit::Element,
        }
    }
}

/// A row that is the same in training and evaluation.
macro_rules! fixed {
    ($name:literal, $parameters:expr, $value:ident, $derivative:ident) => {
        Activation {
            name: $name,
            parameters: $parameters,
            value: $value::<f64>,
            derivative: $derivative::<f64>,
            eval_value: $value::<f64>,
            eval_derivative: $derivative::<f64>,
            bounds: [$value::<Approx>, $derivative::<Approx>, $value::<Approx>, $derivative::<Approx>],
            draws: Draws::Nothing,
            learned: None,
        }
    };
}

/// A row that draws in training: (value, derivative) of training and of evaluation.
macro_rules! random {
    ($name:literal, $draws:ident, $parameters:expr, ($a:ident, $b:ident), ($c:ident, $d:ident)) => {
        Activation {
            name: $name,
            parameters: $parameters,
            value: $a::<f64>,
            derivative: $b::<f64>,
            eval_value: $c::<f64>,
            eval_derivative: $d::<f64>,
            bounds: [$a::<Approx>, $b::<Approx>, $c::<Approx>, $d::<Approx>],
            draws: Draws::$draws,
            learned: None,
        }
    };
}

const GAAF: [(&str, f64); 5] =
    [("shape", 0.0), ("variant", 0.0), ("side", 0.0), ("scale", 1.0), ("frequency", 10_000.0)];
const GAAF_RELU: [(&str, f64); 6] = [GAAF[0], GAAF[1], GAAF[2], GAAF[3], GAAF[4], ("shift", 4.0)];

/// All activations, in the order of the kernels' table.
pub static ACTIVATIONS: &[Activation] = &[
    fixed!("identity", &[], identity, identity_derivative),
    fixed!("relu", &[], relu, relu_derivative),
    fixed!("leaky_relu", &[("negative_slope", 0.01)], leaky_relu, leaky_relu_derivative),
    fixed!("elu", &[("alpha", 1.0)], elu, elu_derivative),
    fixed!("selu", &[], selu, selu_derivative),
    fixed!("celu", &[("alpha", 1.0)], celu, celu_derivative),
    fixed!("gelu", &[("form", GELU_ERF)], gelu, gelu_derivative),
    fixed!("silu", &[], silu, silu_derivative),
    fixed!("mish", &[], mish, mish_derivative),
    fixed!("softplus", &[("beta", 1.0)], softplus, softplus_derivative),
    fixed!("tanh", &[], tanh, tanh_derivative),
    fixed!("sigmoid", &[], sigmoid, sigmoid_derivative),
    fixed!("scale", &[("factor", 1.0)], scale, scale_derivative),
    fixed!("hard_swish", &[], hard_swish, hard_swish_derivative),
    Activation {
        learned: Some(Both { exact: prelu_learned::<f64>, bound: prelu_learned::<Approx> }),
        ..fixed!("prelu", &[("init", 0.25), ("share", 0.0)], leaky_relu, leaky_relu_derivative)
    },
    fixed!("crelu", &[], relu, relu_derivative),
    fixed!("maxout", &[("pieces", 2.0)], identity, identity_derivative),
    fixed!("gaaf_relu", &GAAF_RELU, gaaf_relu, gaaf_relu_derivative),
    fixed!("gaaf_tanh", &GAAF, gaaf_tanh, gaaf_tanh_derivative),
    fixed!("gaaf_sigmoid", &GAAF, gaaf_sigmoid, gaaf_sigmoid_derivative),
    random!(
        "dropact",
        Uniform,
        &[("retain", 0.95), ("unit", 0.0)],
        (dropact, dropact_derivative),
        (dropact_eval, dropact_eval_derivative)
    ),
    random!(
        "mix",
        Uniform,
        &[("first", 7.0), ("second", 1.0), ("retain", 0.5), ("unit", 0.0)],
        (mix, mix_derivative),
        (mix_eval, mix_eval_derivative)
    ),
    random!(
        "rrelu",
        Uniform,
        &[("lower", 1.0 / 8.0), ("upper", 1.0 / 3.0), ("mode", RRELU_TORCH)],
        (rrelu, rrelu_derivative),
        (rrelu_eval, rrelu_eval_derivative)
    ),
    random!(
        "probact",
        Normal,
        &[("sigma", 0.5)],
        (probact, probact_derivative),
        (probact_eval, probact_derivative)
    ),
    Activation {
        learned: Some(Both {
            exact: probact_learned_gradient::<f64>,
            bound: probact_learned_gradient::<Approx>,
        }),
        ..random!(
            "probact_learned",
            Normal,
            &[("init", 0.0), ("bound", 2.0), ("steepness", 5.0), ("share", 0.0)],
            (probact_learned, probact_derivative),
            (probact_eval, probact_derivative)
        )
    },
    random!(
        "noisy_relu",
        Normal,
        &[],
        (noisy_relu, noisy_relu_derivative),
        (noisy_relu_eval, noisy_relu_eval_derivative)
    ),
    random!(
        "dropout",
        Uniform,
        &[("of", 1.0), ("rate", 0.5), ("place", PLACE_BEFORE), ("unit", 0.0)],
        (dropout, dropout_derivative),
        (of_eval, of_eval_derivative)
    ),
    random!(
        "alpha_dropout",
        Uniform,
        &[("of", 4.0), ("rate", 0.1), ("unit", 0.0)],
        (alpha_dropout, alpha_dropout_derivative),
        (of_eval, of_eval_derivative)
    ),
    random!(
        "gaussian_dropout",
        Normal,
        &[("of", 1.0), ("rate", 0.5), ("unit", 0.0)],
        (gaussian_dropout, gaussian_dropout_derivative),
        (of_eval, of_eval_derivative)
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
        self.map(self.activation.functions(self.mode)[0], x, shape)
    }

    /// dx = dy * dy/dx(x), with the forward pass's random numbers.
    pub fn backward(&self, dy: &[f64], x: &[f64], shape: Shape) -> Vec<f64> {
        shape.check("dy", dy);
        let mut dx = self.map(self.activation.functions(self.mode)[1], x, shape);
        for (dx, dy) in dx.iter_mut().zip(dy) {
            *dx *= dy;
        }
        dx
    }

    /// The noise of channel `c` of pixel number `row`, with the error of its f32 form; 0 where nothing is drawn.
    pub fn drawn(&self, shape: Shape, row: usize, c: usize) -> Approx {
        let unit = self.activation.unit(self.parameters);
        match (self.mode, self.activation.draws) {
            (Mode::Eval, _) | (_, Draws::Nothing) => Approx::exact(0.0),
            (_, Draws::Uniform) => Approx::exact(self.noise.uniform_of(unit, shape, row, c)),
            (_, Draws::Normal) => self.noise.normal_of(unit, shape, row, c),
        }
    }

    /// Value and derivative at x, as f32 gives them.
    pub fn bounds(&self, x: Approx, shape: Shape, row: usize, c: usize) -> [Approx; 2] {
        let noise = self.drawn(shape, row, c);
        self.activation.bounds(self.mode).map(|function| function(x, noise, self.parameters))
    }

    fn map(&self, function: Function, x: &[f64], shape: Shape) -> Vec<f64> {
        shape.check("x", x);
        let expected = self.activation.parameters.len();
        assert_eq!(self.parameters.len(), expected, "{} takes {expected} parameters", self.activation.name);
        let mut y = Vec::with_capacity(x.len());
        for row in 0..shape.rows() {
            for c in 0..shape.c {
                y.push(function(x[row * shape.c + c], self.drawn(shape, row, c).value, self.parameters));
            }
        }
        y
    }
}
