use super::{Conv, Filters, forward, input_gradient, weight_gradient};
use crate::gpu::{Constants, Groups, Kernel};

/// What of a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// y from x and the weights.
    Forward,
    /// dx from dy and the weights.
    InputGradient,
    /// The weights' gradient from x and dy.
    WeightGradient,
}

impl Direction {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Forward, Self::InputGradient, Self::WeightGradient];

    /// All ways to compute it; the first takes any shape.
    pub fn candidates(self) -> &'static [Candidate] {
        match self {
            Self::Forward => forward::CANDIDATES,
            Self::InputGradient => input_gradient::CANDIDATES,
            Self::WeightGradient => weight_gradient::CANDIDATES,
        }
    }

    /// As benches and checkpoints write it.
    pub fn name(self) -> &'static str {
        ["forward", "input_gradient", "weight_gradient"][self as usize]
    }
}

/// One way to compute a direction: a kernel with its own constants and tile. The tuner picks one for each shape.
#[derive(Debug)]
pub struct Candidate {
    /// Its name, unique in its direction: `direct`, `direct8`, ...
    pub name: &'static str,
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Constants besides the shape's.
    pub constants: &'static [(&'static str, u32)],
    /// In which form it reads the weights; weight gradients read none.
    pub filters: Filters,
    /// Which shapes it computes.
    pub fits: fn(&Conv) -> bool,
    /// The workgroups for a shape.
    pub groups: fn(&Conv, &Candidate) -> Groups,
    /// Rows of the output (pixels of all images) in a workgroup's statistics, where it leaves any for this shape; for weight
    /// gradients, the units of a split.
    pub rows: fn(&Conv, &Candidate) -> Option<usize>,
    /// Which devices it is made for: what is taken where nothing was measured.
    pub made_for: MadeFor,
}

/// Which kind of device a candidate is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeFor {
    /// The first rung: works everywhere, for comparison.
    Comparison,
    /// Any device.
    Any,
    /// Drivers that run on the CPU: uniform loads are broadcasts, workgroup memory buys nothing.
    Cpu,
    /// GPUs: tiles in workgroup memory, many invocations.
    Gpu,
}

/// How exact the factors of a convolution's products are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32 throughout.
    #[default]
    F32,
    /// Factors rounded to f16, sums in f32.
    Mixed,
}

impl Candidate {
    /// How exact it is.
    pub fn precision(&self) -> Precision {
        if self.kernel.enables().any(|name| name == "f16") { Precision::Mixed } else { Precision::F32 }
    }

    /// Invocations of a workgroup.
    pub fn workgroup(&self) -> u32 {
        self.constant("WORKGROUP").unwrap_or(self.kernel.workgroup)
    }

    /// One of its own constants.
    pub fn constant(&self, name: &str) -> Option<u32> {
        self.constants.iter().find(|(known, _)| *known == name).map(|row| row.1)
    }

    /// A size of its tile that its kernel's candidates must give.
    pub(super) fn tile(&self, name: &str) -> usize {
        match self.constant(name) {
            Some(size) => size as usize,
            None => unreachable!("{}: no {name}", self.name),
        }
    }

    /// Side of the square tiles of pixels that its statistics count one after the other, each row by row; 1 where pixels count
    /// as they lie in the images; `None` where it never leaves any.
    pub fn statistics_tile(&self) -> Option<usize> {
        match self.kernel.name {
            "conv/forward_tiled" => Some(8),
            "conv/forward_direct" | "conv/forward_winograd4" => Some(4),
            "conv/forward_gemm" | "conv/forward_coop" => Some(1),
            _ => None,
        }
    }

    pub(super) fn own_constants(&self) -> Constants {
        self.constants.iter().fold(Constants::new(), |all, &(name, value)| all.u32(name, value))
    }
}
