//! Initial weights: a pure function of (seed, parameter), the same for every activation and device.

use super::Parameter;
use crate::rng::{Sequence, Stream};
use crate::{Error, Result};

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0.
    Zero,
    /// All 1.
    One,
    /// All the same.
    Constant {
        /// The value.
        value: f32,
    },
    /// Uniform in -bound..bound.
    Uniform {
        /// Largest magnitude.
        bound: f32,
    },
    /// Drawn with a variance that depends on the fans.
    Scaled(Scaled),
    /// Rows that are orthonormal, or columns where there are more rows (Saxe et al., arXiv 1312.6120; PyTorch's `orthogonal_`).
    Orthogonal,
    /// A convolution that starts as the identity on as many channels as it can (PyTorch's `dirac_`).
    Dirac,
    /// The first filters, as many as there are inputs, as [`Init::Dirac`], the others uniform in 1/sqrt(fan-in), PyTorch's default
    /// (Jordan, arXiv 2404.00498, section 3.3).
    DiracUniform,
    /// Filters that whiten patches of images: their eigenvectors over the roots of the eigenvalues, and the same negated. They are
    /// found when a run begins ([`crate::train::Whitening`]); before, an orthogonal matrix and its negative.
    Whitening,
    /// For layers behind a crelu: (W, -W) with an orthogonal W, so that the network starts linear (Balduzzi et al., arXiv
    /// 1702.08591); orthogonal elsewhere.
    LooksLinear,
}

/// Variance scaling: He, Glorot, LeCun.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaled {
    /// Variance times the fan: 2 for He, 1 for Glorot and LeCun.
    pub gain: f32,
    /// The fan.
    pub fan: Fan,
    /// What is drawn.
    pub shape: Shape,
}

/// What the variance is divided by; a convolution's fans count its kernel's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// Inputs.
    In,
    /// Outputs.
    Out,
    /// The mean of both.
    Average,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Normal (PyTorch).
    Normal,
    /// Normal within two standard deviations, widened so that the variance holds (Keras).
    Truncated,
    /// Uniform.
    Uniform,
}

/// Standard deviation of a standard normal truncated at two standard deviations.
const TRUNCATED_DEVIATION: f64 = 0.879_625_661_034_239_8;

impl Init {
    /// Normal with variance 2 / fan-in (He et al. 2015; PyTorch's `kaiming_normal_`, untruncated).
    pub const HE_NORMAL: Self = Self::scaled(2.0, Fan::In, Shape::Normal);
    /// The same truncated: Keras' `he_normal`.
    pub const HE_TRUNCATED: Self = Self::scaled(2.0, Fan::In, Shape::Truncated);
    /// Uniform with variance 2 / (fan-in + fan-out) (Glorot, Bengio 2010): Keras' default.
    pub const GLOROT_UNIFORM: Self = Self::scaled(1.0, Fan::Average, Shape::Uniform);

    /// Uniform in 1/sqrt(fan-in): PyTorch's default for convolutions and linear layers (`kaiming_uniform_` with a = sqrt(5)).
    pub const TORCH_UNIFORM: Self = Self::scaled(1.0 / 3.0, Fan::In, Shape::Uniform);

    const fn scaled(gain: f32, fan: Fan, shape: Shape) -> Self {
        Self::Scaled(Scaled { gain, fan, shape })
    }

    /// The names that [`Init::parse`] takes.
    pub const NAMES: &[&str] = &[
        "he_normal",
        "he_truncated",
        "he_uniform",
        "he_normal_fan_out",
        "glorot_normal",
        "glorot_truncated",
        "glorot_uniform",
        "lecun_normal",
        "lecun_truncated",
        "lecun_uniform",
        "orthogonal",
        "lsuv",
        "dirac",
        "dirac_uniform",
        "torch_uniform",
        "looks_linear",
        "zeros",
        "ones",
    ];

    /// Reads a name: `he_`, `glorot_` or `lecun_` with `normal` (PyTorch's), `truncated` (Keras' normal) or `uniform`, and the
    /// others of [`Init::NAMES`].
    ///
    /// # Errors
    /// An unknown name, with what there is.
    pub fn parse(name: &str) -> Result<Self> {
        let known = match name {
            "zeros" => Some(Self::Zero),
            "ones" => Some(Self::One),
            // What LSUV begins with; it then runs the network (`train::Lsuv`).
            "orthogonal" | "lsuv" => Some(Self::Orthogonal),
            "dirac" => Some(Self::Dirac),
            "dirac_uniform" => Some(Self::DiracUniform),
            "torch_uniform" => Some(Self::TORCH_UNIFORM),
            "looks_linear" => Some(Self::LooksLinear),
            "he_normal_fan_out" => Some(Self::scaled(2.0, Fan::Out, Shape::Normal)),
            _ => name.split_once('_').and_then(|(family, shape)| {
                let (gain, fan) = match family {
                    "he" => (2.0, Fan::In),
                    "glorot" => (1.0, Fan::Average),
                    "lecun" => (1.0, Fan::In),
                    _ => return None,
                };
                let shape = match shape {
                    "normal" => Shape::Normal,
                    "truncated" => Shape::Truncated,
                    "uniform" => Shape::Uniform,
                    _ => return None,
                };
                Some(Self::scaled(gain, fan, shape))
            }),
        };
        known.ok_or_else(|| {
            Error::usage(format!("unknown initialiser {name:?}: there are {}", Self::NAMES.join(", ")))
        })
    }
}

impl Scaled {
    fn variance(self, parameter: &Parameter) -> f64 {
        let [fan_in, fan_out] = fans(&parameter.shape).map(|fan| fan as f64);
        let fan = match self.fan {
            Fan::In => fan_in,
            Fan::Out => fan_out,
            Fan::Average => 0.5 * (fan_in + fan_out),
        };
        f64::from(self.gain) / fan
    }

    fn values(self, parameter: &Parameter, sequence: &mut Sequence) -> Vec<f32> {
        let variance = self.variance(parameter);
        (0..parameter.len()).map(|_| self.draw(variance, sequence) as f32).collect()
    }

    fn draw(self, variance: f64, sequence: &mut Sequence) -> f64 {
        match self.shape {
            Shape::Normal => variance.sqrt() * sequence.normal(),
            Shape::Uniform => (3.0 * variance).sqrt() * (2.0 * sequence.uniform() - 1.0),
            Shape::Truncated => loop {
                let normal = sequence.normal();
                if normal.abs() <= 2.0 {
                    break variance.sqrt() / TRUNCATED_DEVIATION * normal;
                }
            },
        }
    }
}

/// Fan-in and fan-out of (out, in, k, k) or (out, in).
fn fans(shape: &[usize]) -> [usize; 2] {
    let pixels: usize = shape.iter().skip(2).product();
    [shape.get(1).map_or(1, |inputs| inputs * pixels), shape[0] * pixels]
}

/// The initial values of parameter number `index` in PyTorch's order of elements.
pub fn initial(parameter: &Parameter, index: usize, seed: u32) -> Vec<f32> {
    let mut sequence = Sequence::new(seed, Stream::Init, 0, index as u32);
    let len = parameter.len();
    match parameter.init {
        Init::Zero => vec![0.0; len],
        Init::One => vec![1.0; len],
        Init::Constant { value } => vec![value; len],
        Init::Uniform { bound } => {
            (0..len).map(|_| ((sequence.uniform() * 2.0 - 1.0) * f64::from(bound)) as f32).collect()
        }
        Init::Scaled(scaled) => scaled.values(parameter, &mut sequence),
        Init::DiracUniform => dirac_uniform(parameter, &mut sequence),
        Init::Whitening => plus_minus(&parameter.shape, &mut sequence),
        Init::Orthogonal => orthogonal(&parameter.shape, &mut sequence),
        Init::Dirac => dirac(&parameter.shape),
        Init::LooksLinear => looks_linear(&parameter.shape, &mut sequence),
    }
}

/// Gram-Schmidt on normals: the rows of (out, in*k*k), or its columns where there are more rows than columns.
fn orthogonal(shape: &[usize], sequence: &mut Sequence) -> Vec<f32> {
    let (rows, columns) = (shape[0], shape.iter().skip(1).product::<usize>());
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| sequence.normal()).collect();
        // Twice, so that rounding leaves no part of the others (Kahan: "twice is enough").
        for _ in 0..2 {
            for other in &basis {
                let dot: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
            }
        }
        let norm = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
        if norm > 1e-6 {
            basis.push(vector.into_iter().map(|a| a / norm).collect());
        }
    }
    let at =
        |row: usize, column: usize| if rows <= columns { basis[row][column] } else { basis[column][row] };
    (0..rows * columns).map(|i| at(i / columns, i % columns) as f32).collect()
}

/// 1 in the middle of the kernel from each channel to itself.
fn dirac(shape: &[usize]) -> Vec<f32> {
    let inputs = shape.get(1).copied().unwrap_or(1);
    let pixels: usize = shape.iter().skip(2).product();
    let at = |i: usize| {
        let (o, c, p) = (i / (inputs * pixels), i / pixels % inputs, i % pixels);
        if o == c && p == pixels / 2 { 1.0 } else { 0.0 }
    };
    (0..shape.iter().product()).map(at).collect()
}

/// The identity on the first filters, PyTorch's default on the others.
fn dirac_uniform(parameter: &Parameter, sequence: &mut Sequence) -> Vec<f32> {
    let Init::Scaled(uniform) = Init::TORCH_UNIFORM else { return Vec::new() };
    let mut values = uniform.values(parameter, sequence);
    let inputs = parameter.shape.get(1).copied().unwrap_or(1);
    let each: usize = parameter.shape.iter().skip(1).product();
    let first = each * inputs.min(parameter.shape[0]);
    values[..first].copy_from_slice(&dirac(&parameter.shape)[..first]);
    values
}

/// An orthogonal W over the first half of the outputs, -W over the second.
fn plus_minus(shape: &[usize], sequence: &mut Sequence) -> Vec<f32> {
    let half = orthogonal(&[&[shape[0].div_ceil(2)], &shape[1..]].concat(), sequence);
    let negative: Vec<f32> = half.iter().map(|value| -value).collect();
    [half, negative].concat().into_iter().take(shape.iter().product()).collect()
}

/// (W, -W) over the two halves of the inputs.
fn looks_linear(shape: &[usize], sequence: &mut Sequence) -> Vec<f32> {
    let (outputs, inputs, pixels) = (shape[0], shape[1], shape.iter().skip(2).product::<usize>());
    let half: Vec<usize> = [&[outputs, inputs / 2], &shape[2..]].concat();
    let weights = orthogonal(&half, sequence);
    let at = |i: usize| {
        let (o, c, p) = (i / (inputs * pixels), i / pixels % inputs, i % pixels);
        let weight = weights[(o * (inputs / 2) + c % (inputs / 2)) * pixels + p];
        if c < inputs / 2 { weight } else { -weight }
    };
    (0..outputs * inputs * pixels).map(at).collect()
}
