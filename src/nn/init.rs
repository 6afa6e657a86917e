//! Initial weights: a pure function of (seed, parameter), the same for every activation and device.

use super::Parameter;
use crate::rng::{Sequence, Stream};

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0.
    Zero,
    /// All 1.
    One,
    /// Normal with variance 2 / fan-in (He et al. 2015; PyTorch's `kaiming_normal_`, untruncated).
    HeNormal,
    /// Uniform in -bound..bound.
    Uniform {
        /// Largest magnitude.
        bound: f32,
    },
}

/// The initial values of parameter number `index` in PyTorch's order of elements.
pub fn initial(parameter: &Parameter, index: usize, seed: u32) -> Vec<f32> {
    let mut sequence = Sequence::new(seed, Stream::Init, 0, index as u32);
    let fan_in: usize = parameter.shape.iter().skip(1).product();
    let mut next = || match parameter.init {
        Init::Zero => 0.0,
        Init::One => 1.0,
        Init::HeNormal => (sequence.normal() * (2.0 / fan_in as f64).sqrt()) as f32,
        Init::Uniform { bound } => ((sequence.uniform() * 2.0 - 1.0) * f64::from(bound)) as f32,
    };
    (0..parameter.len()).map(|_| next()).collect()
}
