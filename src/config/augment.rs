//! `[augment]` and its ranges.

use std::ops::Bound::{Excluded, Included};

use serde::{Deserialize, Serialize};

use super::choices::{Fill, Normalization, Shift};
use super::validate::within;
use crate::error::{Error, Result};

/// `[augment]`: what a training image goes through; validation and test images are only normalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Random crop: border in pixels, out of which an image of the old size is cut, 0 (off) to 16. Default 4.
    pub pad: u32,
    /// How the crop's place is drawn. Default `"whole"`.
    pub shift: Shift,
    /// For `"fraction"`: the largest shift as a share of height and width, 0 to 0.5. Default 0.1.
    pub range: f64,
    /// What the border holds. Default `"zero"`.
    pub fill: Fill,
    /// Random horizontal flip of half of the images. Default true.
    pub flip: bool,
    /// Whether flips take turns: each image in every second epoch, half of them in the first (Jordan, arXiv 2404.00498,
    /// section 3.6); takes `flip`. Default false.
    pub alternate: bool,
    /// Side of a square at a random place that is set to 0 after normalisation, in pixels, 0 (off) to 64 (`DeVries`,
    /// Taylor, arXiv 1708.04552). Default 0.
    pub cutout: u32,
    /// Mixes pairs of images and labels with shares of Beta(`mixup`, `mixup`), 0 (off) to 100 (Zhang et al., arXiv
    /// 1710.09412). Default 0.
    pub mixup: f64,
    /// How pixels are normalised. Default `"per_image"`.
    pub normalization: Normalization,
    /// Whether images are normalised before shift and flip, as `PyTorch` and Keras do it with prepared images, so that a
    /// border of zeros is 0 in their units; otherwise it is black. Default false.
    pub normalize_first: bool,
    /// Mean of red, green and blue for `"per_channel"`, pixels as 0..1, each 0 to 1. Default: that of the training
    /// images after the split.
    pub mean: Option<[f64; 3]>,
    /// Standard deviation of red, green and blue for `"per_channel"`, pixels as 0..1, each above 0 and at most 1.
    /// Default: that of the training images after the split.
    pub std: Option<[f64; 3]>,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            pad: 4,
            shift: Shift::Whole,
            range: 0.1,
            fill: Fill::Zero,
            flip: true,
            alternate: false,
            cutout: 0,
            mixup: 0.0,
            normalization: Normalization::PerImage,
            normalize_first: false,
            mean: None,
            std: None,
        }
    }
}

impl AugmentConfig {
    /// Checks every value against its range, and values against each other.
    pub(super) fn validate(&self) -> Result<()> {
        within("augment.pad", self.pad, (Included(0), Included(16)))?;
        within("augment.range", self.range, (Included(0.0), Included(0.5)))?;
        within("augment.cutout", self.cutout, (Included(0), Included(64)))?;
        within("augment.mixup", self.mixup, (Included(0.0), Included(100.0)))?;
        for mean in self.mean.iter().flatten() {
            within("augment.mean", *mean, (Included(0.0), Included(1.0)))?;
        }
        for std in self.std.iter().flatten() {
            within("augment.std", *std, (Excluded(0.0), Included(1.0)))?;
        }
        if self.alternate && !self.flip {
            return Err(Error::usage(
                "augment.alternate = true needs augment.flip = true: switch it on, or alternate off",
            ));
        }
        if self.mean.is_some() != self.std.is_some() {
            return Err(Error::usage("augment.mean and augment.std go together: give both or none"));
        }
        if self.mean.is_some() && self.normalization != Normalization::PerChannel {
            return Err(Error::usage(
                "augment.mean and augment.std need augment.normalization = \"per_channel\": change it or remove them",
            ));
        }
        Ok(())
    }
}
