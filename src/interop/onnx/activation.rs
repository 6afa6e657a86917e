//! What each activation computes in evaluation, by ONNX operators.

use std::f64::consts::{PI, SQRT_2};

use super::graph::{Graph, Name, float};
use crate::kernels::activation::{ACTIVATIONS, Activation};
use crate::{Error, Result};

/// From here on f32 has no fraction, and a saw's place in its period is unknown.
const WHOLE: f64 = 8_388_608.0;

/// Appends the activation's form in evaluation, applied to `x`.
///
/// # Errors
/// A user's own activation, or one without such a form.
pub(super) fn eval_form(g: &mut Graph, activation: &Activation, x: &str) -> Result<Name> {
    let name = if activation.row.custom { "" } else { activation.row.name };
    let p = |key: &str| value(activation, key);
    Ok(match name {
        "identity" | "maxout" => x.to_owned(),
        "scale" => g.with("Mul", x, p("factor")),
        "relu" | "crelu" | "probact" | "probact_learned" => g.unary("Relu", x),
        "leaky_relu" => leaky(g, x, p("negative_slope")),
        // A slope of 1 - retain as the shader has it, in f32.
        "dropact" => leaky(g, x, f64::from(1.0 - p("retain") as f32)),
        "rrelu" => leaky(g, x, rrelu_slope(activation)),
        "elu" => g.op("Elu", &[x], vec![float("alpha", p("alpha"))]),
        "selu" => {
            let [alpha, gamma] = [1.673_263_242_354_377_2, 1.050_700_987_355_480_5];
            g.op("Selu", &[x], vec![float("alpha", alpha), float("gamma", gamma)])
        }
        "celu" => g.op("Celu", &[x], vec![float("alpha", p("alpha"))]),
        "gelu" => gelu(g, x, p("form") == 0.0),
        "silu" => {
            let gate = g.unary("Sigmoid", x);
            g.binary("Mul", x, &gate)
        }
        "mish" => {
            let inner = g.unary("Softplus", x);
            let gate = g.unary("Tanh", &inner);
            g.binary("Mul", x, &gate)
        }
        "softplus" => {
            let inner = g.with("Mul", x, p("beta"));
            let sum = g.unary("Softplus", &inner);
            g.with("Div", &sum, p("beta"))
        }
        "tanh" => g.unary("Tanh", x),
        "sigmoid" => g.unary("Sigmoid", x),
        "hard_swish" => g.unary("HardSwish", x),
        "gaaf_relu" | "gaaf_tanh" | "gaaf_sigmoid" => accelerated(g, activation, x),
        "mix" => {
            let first = eval_form(g, &component(activation, "first")?, x)?;
            let second = eval_form(g, &component(activation, "second")?, x)?;
            let first = g.with("Mul", &first, p("retain"));
            let second = g.with("Mul", &second, 1.0 - p("retain"));
            g.binary("Add", &first, &second)
        }
        "dropout" | "alpha_dropout" | "gaussian_dropout" => eval_form(g, &component(activation, "of")?, x)?,
        "noisy_relu" => noisy_relu(g, x),
        _ => {
            return Err(Error::usage(format!(
                "activation {} cannot be exported as ONNX: export the weights as .safetensors, or train with one of \
                 `wgrad activations`",
                activation.row.name
            )));
        }
    })
}

fn value(activation: &Activation, key: &str) -> f64 {
    let place = activation.row.parameters.iter().position(|parameter| parameter.name == key);
    place.map_or(f64::NAN, |place| f64::from(activation.values()[place]))
}

/// The activation that a parameter names, with its defaults.
fn component(activation: &Activation, key: &str) -> Result<Activation> {
    let place = value(activation, key) as usize;
    Activation::parse(ACTIVATIONS[place].name)
}

fn leaky(g: &mut Graph, x: &str, slope: f64) -> Name {
    g.op("LeakyRelu", &[x], vec![float("alpha", slope)])
}

/// Its modes torch, paper and seed: the mean of the slopes, or the inverse of the mean of their inverses.
fn rrelu_slope(activation: &Activation) -> f64 {
    let (lower, upper) = (value(activation, "lower"), value(activation, "upper"));
    if value(activation, "mode") == 0.0 { 0.5 * (lower + upper) } else { 2.0 / (1.0 / lower + 1.0 / upper) }
}

/// Phi(x) = (1 + erf(x/sqrt 2))/2.
fn normal_cdf(g: &mut Graph, x: &str) -> Name {
    let scaled = g.with("Mul", x, 1.0 / SQRT_2);
    let erf = g.unary("Erf", &scaled);
    let sum = g.with("Add", &erf, 1.0);
    g.with("Mul", &sum, 0.5)
}

fn gelu(g: &mut Graph, x: &str, exact: bool) -> Name {
    let gate = if exact {
        normal_cdf(g, x)
    } else {
        let square = g.binary("Mul", x, x);
        let cubic = g.with("Mul", &square, 0.044715);
        let sum = g.with("Add", &cubic, 1.0);
        let product = g.binary("Mul", x, &sum);
        let inner = g.with("Mul", &product, 2.0 * (2.0 / PI).sqrt());
        g.unary("Sigmoid", &inner)
    };
    g.binary("Mul", x, &gate)
}

/// x Phi(r) + sigma phi(r), sigma^2 = 1/(1 + e^-x), r = x/sigma; the normal's share below -30 is 0 in f32.
fn noisy_relu(g: &mut Graph, x: &str) -> Name {
    let variance = g.unary("Sigmoid", x);
    let sigma = g.unary("Sqrt", &variance);
    let divisor = g.with("Max", &sigma, 1e-15);
    let ratio = g.binary("Div", x, &divisor);
    let ratio = g.with("Max", &ratio, -30.0);
    let share = normal_cdf(g, &ratio);
    let square = g.binary("Mul", &ratio, &ratio);
    let exponent = g.with("Mul", &square, -0.5);
    let power = g.unary("Exp", &exponent);
    let density = g.with("Mul", &power, 1.0 / (2.0 * PI).sqrt());
    let (first, second) = (g.binary("Mul", x, &share), g.binary("Mul", &sigma, &density));
    g.binary("Add", &first, &second)
}

/// The base function plus scale g(x) s(x), as `shaders/lib/gaaf.wgsl` has it.
fn accelerated(g: &mut Graph, activation: &Activation, x: &str) -> Name {
    let shape = value(activation, "shape");
    let wave = wave(g, activation, x);
    let (base, bell_of) = match activation.row.name {
        "gaaf_relu" => (g.unary("Relu", x), None),
        "gaaf_tanh" => (g.unary("Tanh", x), Some(x.to_owned())),
        _ => (g.unary("Sigmoid", x), Some(g.with("Mul", x, 0.5))),
    };
    let strength = match (bell_of, shape) {
        (_, 2.0) => return g.binary("Add", &base, &wave),
        (Some(x), shape) => {
            let square = g.binary("Mul", &x, &x);
            let exponent = g.with("Mul", &square, if shape == 0.0 { -0.25 } else { -1.0 / 3.0 });
            g.unary("Exp", &exponent)
        }
        (None, shape) => {
            let inner = if shape == 0.0 {
                let steep = g.with("Mul", x, 5.0);
                g.with("Add", &steep, 2.5)
            } else {
                g.with("Add", x, value(activation, "shift"))
            };
            g.unary("Sigmoid", &inner)
        }
    };
    let added = g.binary("Mul", &wave, &strength);
    g.binary("Add", &base, &added)
}

fn wave(g: &mut Graph, activation: &Activation, x: &str) -> Name {
    let p = |key: &str| value(activation, key);
    let k = g.with("Mul", x, p("frequency"));
    let floor = g.unary("Floor", &k);
    let fraction = g.binary("Sub", &k, &floor);
    let size = g.unary("Abs", &k);
    let whole = g.with("GreaterOrEqual", &size, WHOLE);
    let half = g.number(0.5);
    let phase = g.op("Where", &[&whole, &half, &fraction], Vec::new());
    let height = if p("variant") == 0.0 {
        phase
    } else {
        let one = g.number(1.0);
        let rest = g.binary("Sub", &one, &phase);
        g.binary("Min", &phase, &rest)
    };
    let centred = g.with("Sub", &height, 0.5);
    let scaled = g.with("Mul", &centred, p("scale"));
    let wave = g.with("Div", &scaled, p("frequency"));
    if p("side") == 0.0 {
        return wave;
    }
    let negative = g.with("LessOrEqual", x, 0.0);
    let zero = g.number(0.0);
    g.op("Where", &[&negative, &wave, &zero], Vec::new())
}
