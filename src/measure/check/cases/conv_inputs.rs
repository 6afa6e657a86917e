//! What convolutions are checked with: sizes and values.

use crate::kernels::conv::Precision;
use crate::measure::check::tolerance::sum_of_products;

/// (batch, height, width, in, out, kernel, stride, padding)
pub(super) type Sizes = [usize; 8];

/// Those of [`EXTREME`] first; sizes that no tile divides, the three of ResNet, kernels and paddings besides 3 and 1, and a batch
/// as in training.
pub(super) const SHAPES: &[Sizes] = &[
    [3, 7, 5, 5, 18, 3, 1, 1],
    [23, 8, 12, 5, 18, 3, 1, 1],
    [2, 9, 8, 16, 32, 3, 2, 1],
    [3, 7, 5, 3, 16, 3, 1, 1],
    [3, 7, 5, 18, 5, 3, 2, 1],
    [2, 8, 7, 16, 5, 3, 2, 1],
    [3, 10, 11, 3, 6, 3, 3, 1],
    [3, 7, 5, 16, 18, 1, 2, 0],
    [3, 6, 5, 18, 5, 1, 1, 0],
    [1, 1, 1, 3, 5, 3, 1, 1],
    [3, 7, 5, 5, 6, 3, 1, 0],
    [2, 7, 6, 5, 3, 5, 1, 2],
    [5, 8, 8, 64, 64, 3, 1, 1],
    [128, 32, 32, 3, 16, 3, 1, 1],
    [3, 8, 24, 5, 18, 3, 1, 1],
    [3, 7, 9, 18, 37, 3, 1, 1],
    [2, 13, 6, 33, 20, 3, 1, 1],
    [128, 32, 32, 16, 16, 3, 1, 1],
    [128, 32, 32, 16, 32, 3, 2, 1],
];

/// Those with extreme values too: odd and whole tiles, stride 2.
pub(super) const EXTREME: &[Sizes] =
    &[[3, 7, 5, 5, 18, 3, 1, 1], [2, 9, 8, 16, 32, 3, 2, 1], [23, 8, 12, 5, 18, 3, 1, 1]];

/// The only ones for Winograd's F(4x4), which drivers that run on the CPU compile for seconds: odd and whole tiles,
/// channels that end within a block, more tiles than a workgroup has, and one of ResNet's.
pub(super) const WINOGRAD4: &[Sizes] = &[
    [3, 7, 5, 5, 18, 3, 1, 1],
    [5, 8, 8, 64, 64, 3, 1, 1],
    [23, 8, 12, 5, 18, 3, 1, 1],
    [2, 13, 6, 33, 20, 3, 1, 1],
];

/// Computed with and without statistics, and with and without adding to what dx holds; the others in one of two forms, since
/// drivers that run on the CPU take a second to compile each.
pub(super) const BOTH_FORMS: &[Sizes] = EXTREME;

/// Only for the gradient of the weights: sums of more than 65,535 pixels a part.
pub(super) const LONG: Sizes = [1030, 32, 32, 3, 4, 3, 1, 1];

/// What the inputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inputs {
    /// Any f32.
    Full,
    /// Zeros, denormals and both signs of 1e4 among them. Products of a denormal with any other value are below f32's normal range
    /// too: what flushing it costs is in the bound of the sum.
    Extreme,
    /// Values that f16 holds exactly: products of them are exact in f32, so that f32's bounds hold for f16 factors too.
    Halves,
    /// Any f32 in f16's normal range, for factors that are rounded to f16.
    Rounded,
}

impl Inputs {
    /// Those that candidates of a precision are checked with, and their name.
    pub(super) fn of(precision: Precision) -> &'static [(Self, &'static str)] {
        match precision {
            Precision::F32 => &[(Self::Full, ""), (Self::Extreme, ", extreme values")],
            Precision::Mixed => &[(Self::Halves, ", f16 inputs"), (Self::Rounded, ", rounded inputs")],
        }
    }

    /// A drawn value. f16's denormals, which a device may take for 0, are 0.
    pub(super) fn value(self, value: f64) -> f64 {
        const LEAST_NORMAL: f64 = 1.0 / 16384.0;
        match self {
            Self::Full | Self::Extreme => value,
            _ if value.abs() < LEAST_NORMAL => 0.0,
            Self::Rounded => value,
            Self::Halves => {
                // To the nearest multiple of the eleventh binary digit.
                let unit = (value.abs().log2().floor() - 10.0).exp2();
                (value / unit).round() * unit
            }
        }
    }

    /// Largest error of a sum of `terms` products, where `magnitude` is the sum of their magnitudes.
    pub(super) fn bound(self, terms: usize, magnitude: f64) -> f64 {
        // A conversion may give either neighbour (WGSL, "Floating Point Conversion"): within 2^-10, for both factors.
        const HALF: f64 = 1.0 / 1024.0;
        match self {
            Self::Rounded => {
                let grown = (1.0 + HALF) * (1.0 + HALF);
                (grown - 1.0) * magnitude + sum_of_products(terms, grown * magnitude)
            }
            _ => sum_of_products(terms, magnitude),
        }
    }
}
