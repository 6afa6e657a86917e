//! A candidate: one way to compute one direction of a convolution, and the shapes and devices it is for.

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
    /// Its name, unique in its direction: `direct4`, `direct8`, ...
    pub name: &'static str,
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Constants besides the shape's.
    pub constants: &'static [(&'static str, u32)],
    /// In which form it reads the weights, or sums them up.
    pub filters: Filters,
    /// Which shapes it computes.
    pub fits: fn(&Conv) -> bool,
    /// The workgroups for a shape.
    pub groups: fn(&Conv, &Candidate) -> Groups,
    /// What it leaves besides its output, or in what parts it leaves that.
    pub parts: Parts,
    /// Which devices it is made for: what is taken where nothing was measured.
    pub made_for: MadeFor,
}

/// What later kernels join of what a candidate leaves.
#[derive(Clone, Copy, Debug)]
pub enum Parts {
    /// Nothing: its output is whole.
    None,
    /// Forward, besides the output: mean and squared deviations of chunks of its pixels (of all images).
    Statistics {
        /// Pixels of a chunk; `None` for shapes of which it leaves no statistics.
        chunk: fn(&Conv, &Candidate) -> Option<usize>,
        /// Side in pixels of the square tiles in whose order pixels count; 1 where they count as they lie in the images.
        tile: usize,
    },
    /// Weight gradient: [`Conv::splits`] sums, each over a run of units.
    Splits {
        /// Such units of an image: output rows, bands or regions of them, or 1.
        units_per_image: fn(&Conv) -> usize,
    },
}

/// Which kind of device a candidate is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeFor {
    /// The first rung: works everywhere, for comparison.
    Comparison,
    /// Any device.
    Any,
    /// Drivers that run on the CPU: uniform loads are broadcasts.
    Cpu,
    /// Those of them that keep what is the same for all lanes in one register ([`Gpu::keeps_scalars`]): their workgroup memory
    /// is worth the copy. Taken where it was measured.
    ///
    /// [`Gpu::keeps_scalars`]: crate::gpu::Gpu::keeps_scalars
    ScalarCpu,
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

    pub(super) fn own_constants(&self) -> Constants {
        self.constants.iter().fold(Constants::new(), |all, &(name, value)| all.u32(name, value))
    }
}
