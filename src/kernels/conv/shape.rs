//! A convolution's sizes, and what follows from them.

use super::{Candidate, Parts};
use crate::gpu::{Constants, Kernel, View};
use crate::kernels::groups_of_four;
use crate::{Error, Result};

/// A convolution's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Images.
    pub batch: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub width: usize,
    /// Input channels.
    pub in_channels: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Kernel height and width.
    pub kernel: usize,
    /// Step between output pixels.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
}

impl Conv {
    /// Most words of all parts that a weight gradient is summed in, within [`Self::SPLITS_RANGE`].
    const MOST_WORDS: usize = 1 << 18;
    /// Least and most parts of a large enough batch: what few weights leave of a GPU's many units, and what many weights cost.
    const SPLITS_RANGE: [usize; 2] = [16, 64];
    /// Least output pixels of a part.
    const LEAST_PIXELS: usize = 1024;

    /// Output height.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Output width.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Output pixels of all images.
    pub fn out_pixels(&self) -> usize {
        self.batch * self.out_height() * self.out_width()
    }

    /// Words of the weights as stored: KERNEL,KERNEL,in,out with channels filled up to four.
    pub fn weight_words(&self) -> usize {
        self.kernel * self.kernel * self.in4() * self.out4() * 16
    }

    /// Words of the input as stored.
    pub fn input_words(&self) -> usize {
        self.batch * self.height * self.width * self.in4() * 4
    }

    /// Words of the output as stored.
    pub fn output_words(&self) -> usize {
        self.out_pixels() * self.out4() * 4
    }

    /// Floating-point operations of one direction.
    pub fn flops(&self) -> u64 {
        2 * (self.out_pixels() * self.kernel * self.kernel * self.in_channels * self.out_channels) as u64
    }

    /// Number of parts that the weight gradient is summed in; optimizer/reduce joins them in order.
    pub fn splits(&self) -> usize {
        (self.batch * self.out_height()).div_ceil(self.rows_per_split())
    }

    /// Groups of four input channels.
    pub(super) fn in4(&self) -> usize {
        groups_of_four(self.in_channels)
    }

    /// Groups of four output channels.
    pub(super) fn out4(&self) -> usize {
        groups_of_four(self.out_channels)
    }

    /// Units of a weight gradient's split of a candidate's; depends on the shape alone.
    pub(super) fn units_per_split(&self, candidate: &Candidate) -> usize {
        (self.batch * self.units_per_image(candidate)).div_ceil(self.splits())
    }

    /// Such units of an image.
    pub(super) fn units_per_image(&self, candidate: &Candidate) -> usize {
        match candidate.parts {
            Parts::Splits { units_per_image } => units_per_image(self),
            _ => 1,
        }
    }

    /// Output rows (of all images) of a split, from which their number follows.
    fn rows_per_split(&self) -> usize {
        let rows = self.batch * self.out_height();
        let least = Self::LEAST_PIXELS.div_ceil(self.out_width());
        let [few, many] = Self::SPLITS_RANGE;
        rows.div_ceil((Self::MOST_WORDS / self.weight_words()).clamp(few, many)).max(least).min(rows)
    }

    /// Whether this is a 3x3 convolution of this stride that keeps (or halves) the size.
    pub(super) fn is_3x3(&self, stride: usize) -> bool {
        self.kernel == 3 && self.stride == stride && self.padding == 1
    }

    pub(super) fn constants(&self) -> Constants {
        Constants::new()
            .u32("KERNEL", self.kernel as u32)
            .u32("STRIDE", self.stride as u32)
            .u32("PAD", self.padding as u32)
            .u32("H_IN", self.height as u32)
            .u32("W_IN", self.width as u32)
            .u32("C_IN4", self.in4() as u32)
            .u32("H_OUT", self.out_height() as u32)
            .u32("W_OUT", self.out_width() as u32)
            .u32("C_OUT4", self.out4() as u32)
    }

    pub(super) fn check(&self, kernel: &Kernel, lengths: [(&View, usize, &str); 3]) -> Result<()> {
        if self.batch == 0 || self.in_channels == 0 || self.out_channels == 0 || self.stride == 0 {
            return Err(Error::kernel(kernel.name, format!("a size of 0 in {self:?}")));
        }
        if self.kernel > self.height.min(self.width) + 2 * self.padding {
            return Err(Error::kernel(kernel.name, format!("the kernel is larger than the input: {self:?}")));
        }
        for (view, words, name) in lengths {
            if view.len_words() < words {
                let got = view.len_words();
                return Err(Error::kernel(kernel.name, format!("{name}: expected {words} words, got {got}")));
            }
        }
        Ok(())
    }
}

/// As the tuner and benches write it: `16x32x32 to 16, 3x3`, with stride and padding where they are not 1 and "same".
impl std::fmt::Display for Conv {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Self { height, width, in_channels, out_channels, kernel, stride, padding, .. } = self;
        write!(f, "{in_channels}x{height}x{width} to {out_channels}, {kernel}x{kernel}")?;
        if *stride != 1 {
            write!(f, ", stride {stride}")?;
        }
        if *padding != kernel / 2 {
            write!(f, ", padding {padding}")?;
        }
        Ok(())
    }
}
