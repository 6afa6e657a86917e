//! The table of activations. What a new one takes besides a row here: README, "Add an activation".

use super::row::{Draws, Form, PLAIN, Parameter, Row, choice, count, function, number};
use crate::kernels::{lib, shader};

const ELEMENTARY: &[&str] = &[lib::ELEMENTARY];
const BELL: &[&str] = &[lib::ELEMENTARY, lib::GAAF, lib::GAAF_BELL];
const UNIT: Parameter = choice("unit", "UNIT", &["element", "channel", "sample"]);
/// What has one learned number.
const SHARE: Parameter = choice("share", "SHARE", &["all", "channel"]);
const RETAIN: Parameter = number("retain", "RETAIN", [0.0, 1.0], 0.95);

/// The parameters that all accelerated functions share, and relu's last one.
const GAAF: [Parameter; 6] = [
    choice("shape", "SHAPE", &["paper", "repo", "none"]),
    choice("variant", "VARIANT", &["floor", "round"]),
    choice("side", "SIDE", &["both", "negative"]),
    number("scale", "SCALE", [0.0, 10.0], 1.0),
    number("frequency", "FREQUENCY", [1.0, 1e6], 10_000.0),
    number("shift", "SHIFT", [-100.0, 100.0], 4.0),
];
const GAAF_ORIGIN: &str = "Hahn, Choi, arXiv 1806.09783; repo: GAAF-keras";

const DROPACT_SLOPE: &str = "evaluation takes the mean of training, a negative slope of 1 - retain; the 1/(1 - p) of a \
     replication's text is an error that would make it 20";
const AMBIGUOUS: &str = "sources mean the kept or the dropped share by it: give retain, the share of elements whose \
     nonlinearity is kept";

macro_rules! row {
    ($name:literal, $formula:literal, $origin:expr) => {
        Row {
            name: $name,
            source: shader!("activation/functions/", $name),
            formula: $formula,
            origin: $origin,
            ..PLAIN
        }
    };
}

/// Every activation.
pub const ACTIVATIONS: &[Row] = &[
    row!("identity", "x", "-"),
    row!("relu", "max(x, 0)", "Nair, Hinton 2010"),
    Row {
        parameters: &[number("negative_slope", "NEGATIVE_SLOPE", [-1.0, 1.0], 0.01)],
        ..row!("leaky_relu", "x > 0 ? x : negative_slope x", "Maas, Hannun, Ng 2013")
    },
    Row {
        libraries: ELEMENTARY,
        parameters: &[number("alpha", "ALPHA", [0.0, 100.0], 1.0)],
        ..row!("elu", "x > 0 ? x : alpha (e^x - 1)", "Clevert, Unterthiner, Hochreiter, arXiv 1511.07289")
    },
    Row {
        libraries: ELEMENTARY,
        ..row!("selu", "1.0507 (x > 0 ? x : 1.6733 (e^x - 1))", "Klambauer et al., arXiv 1706.02515")
    },
    Row {
        libraries: ELEMENTARY,
        parameters: &[number("alpha", "ALPHA", [0.01, 100.0], 1.0)],
        ..row!("celu", "x > 0 ? x : alpha (e^(x/alpha) - 1)", "Barron, arXiv 1704.07483")
    },
    Row {
        libraries: ELEMENTARY,
        parameters: &[choice("form", "FORM", &["erf", "tanh"])],
        ..row!("gelu", "x Phi(x)", "Hendrycks, Gimpel, arXiv 1606.08415")
    },
    Row {
        libraries: ELEMENTARY,
        ..row!("silu", "x / (1 + e^-x)", "Elfwing, Uchibe, Doya, arXiv 1702.03118")
    },
    Row { libraries: ELEMENTARY, ..row!("mish", "x tanh(ln(1 + e^x))", "Misra, arXiv 1908.08681") },
    Row {
        libraries: ELEMENTARY,
        parameters: &[number("beta", "BETA", [0.01, 100.0], 1.0)],
        ..row!("softplus", "ln(1 + e^(beta x)) / beta", "Dugas et al. 2001")
    },
    Row { libraries: ELEMENTARY, ..row!("tanh", "tanh(x)", "-") },
    Row { libraries: ELEMENTARY, ..row!("sigmoid", "1 / (1 + e^-x)", "-") },
    Row { parameters: &[number("factor", "FACTOR", [-100.0, 100.0], 1.0)], ..row!("scale", "factor x", "-") },
    row!("hard_swish", "x min(max(x + 3, 0), 6) / 6", "Howard et al., arXiv 1905.02244"),
    Row {
        parameters: &[number("init", "INIT", [-1.0, 1.0], 0.25), SHARE],
        form: Form::Learned,
        ..row!("prelu", "x > 0 ? x : a x, a learned, starting with init", "He et al., arXiv 1502.01852")
    },
    Row {
        form: Form::Doubled,
        ..row!("crelu", "max(x, 0) and max(-x, 0): twice the channels", "Shang et al., arXiv 1603.05201")
    },
    Row {
        parameters: &[count("pieces", "PIECES", [2, 16], 2)],
        form: Form::Pieces,
        ..row!(
            "maxout",
            "max of pieces channels; models widen what is before it",
            "Goodfellow et al., arXiv 1302.4389"
        )
    },
    Row {
        libraries: &[lib::ELEMENTARY, lib::GAAF],
        parameters: &GAAF,
        ..row!("gaaf_relu", "max(x, 0) + scale g(x) s(x), g' = 1, |g| < 1/frequency", GAAF_ORIGIN)
    },
    Row {
        libraries: BELL,
        parameters: GAAF.split_at(5).0,
        ..row!("gaaf_tanh", "tanh(x) + scale g(x) s(x), g' = 1, |g| < 1/frequency", GAAF_ORIGIN)
    },
    Row {
        libraries: BELL,
        parameters: GAAF.split_at(5).0,
        ..row!("gaaf_sigmoid", "1 / (1 + e^-x) + scale g(x) s(x), g' = 1, |g| < 1/frequency", GAAF_ORIGIN)
    },
    Row {
        parameters: &[RETAIN, UNIT],
        draws: Draws::Uniform,
        refused: &[
            ("p", AMBIGUOUS),
            ("rate", AMBIGUOUS),
            ("drop", AMBIGUOUS),
            ("slope", DROPACT_SLOPE),
            ("negative_slope", DROPACT_SLOPE),
            ("eval", DROPACT_SLOPE),
            ("mode", DROPACT_SLOPE),
        ],
        ..row!(
            "dropact",
            "max(x, 0) with probability retain, else x",
            "DropActivation: Liang, Khoo, Yang, arXiv 1811.05850"
        )
    },
    Row {
        parameters: &[function("first", "silu"), function("second", "relu"), RETAIN_HALF, UNIT],
        draws: Draws::Uniform,
        refused: &[("p", AMBIGUOUS), ("rate", AMBIGUOUS), ("drop", AMBIGUOUS)],
        ..row!(
            "mix",
            "first(x) with probability retain, else second(x)",
            "arXiv 2509.22358 (SiLU and ReLU); arXiv 1811.05850 (any and identity)"
        )
    },
    Row {
        parameters: &[
            number("lower", "LOWER", [1e-3, 1.0], 1.0 / 8.0),
            number("upper", "UPPER", [1e-3, 1.0], 1.0 / 3.0),
            choice("mode", "MODE", &["torch", "paper", "seed"]),
        ],
        draws: Draws::Uniform,
        ..row!("rrelu", "x > 0 ? x : a x, a ~ U(lower, upper)", "Xu, Wang, Chen, Li, arXiv 1505.00853")
    },
    Row {
        parameters: &[number("sigma", "SIGMA", [0.0, 100.0], 0.5)],
        draws: Draws::Normal,
        ..row!("probact", "max(x, 0) + sigma N(0, 1)", "Shridhar et al., arXiv 1905.10761, sigma fixed")
    },
    Row {
        libraries: ELEMENTARY,
        parameters: &[
            number("init", "INIT", [-10.0, 10.0], 0.0),
            number("bound", "BOUND", [0.0, 100.0], 2.0),
            number("steepness", "STEEPNESS", [0.01, 100.0], 5.0),
            SHARE,
        ],
        draws: Draws::Normal,
        form: Form::Learned,
        ..row!(
            "probact_learned",
            "max(x, 0) + bound N(0, 1) / (1 + e^(-steepness a)), a learned, starting with init",
            "Shridhar et al., arXiv 1905.10761, sigma learned and bounded"
        )
    },
    Row {
        libraries: ELEMENTARY,
        draws: Draws::Normal,
        ..row!("noisy_relu", "max(0, x + N(0, 1/(1 + e^-x)))", "Nair, Hinton 2010")
    },
    Row {
        parameters: &[
            function("of", "relu"),
            rate(0.5),
            choice("place", "PLACE", &["before", "after"]),
            UNIT,
        ],
        draws: Draws::Uniform,
        ..row!(
            "dropout",
            "of(m x), or m of(x) with place after; m = 1/(1 - rate) with probability 1 - rate, else 0",
            "Srivastava et al. 2014; unit channel: spatial dropout, Tompson et al., arXiv 1411.4280"
        )
    },
    Row {
        parameters: &[function("of", "selu"), rate(0.1), UNIT],
        draws: Draws::Uniform,
        ..row!(
            "alpha_dropout",
            "a z + b, z = -1.7581 with probability rate, else of(x)",
            "Klambauer et al., arXiv 1706.02515"
        )
    },
    Row {
        parameters: &[function("of", "relu"), rate(0.5), UNIT],
        draws: Draws::Normal,
        ..row!("gaussian_dropout", "of(x) N(1, rate/(1 - rate))", "Srivastava et al. 2014, section 10")
    },
];

/// Share that is dropped.
const fn rate(default: f32) -> Parameter {
    number("rate", "RATE", [0.0, 0.99], default)
}

const RETAIN_HALF: Parameter = number("retain", "RETAIN", [0.0, 1.0], 0.5);
