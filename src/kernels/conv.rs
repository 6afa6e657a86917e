//! Convolutions: 2-D, square kernel, zero padding, no bias (`shaders/conv`).

use super::{groups_of_four, lib, shader};
use crate::gpu::{Access, Constants, Dispatch, Groups, Kernel, View};
use crate::{Error, Result};

const CONSTANTS: &[&str] =
    &["KERNEL", "STRIDE", "PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4", "ACCUMULATE"];

/// Those of the tiled 3x3 kernels.
const TILED: &[&str] =
    &["KERNEL", "STRIDE", "PAD", "H_IN", "W_IN", "C_IN4", "H_OUT", "W_OUT", "C_OUT4", "ACCUMULATE", "BLOCKS"];

macro_rules! kernel {
    ($name:literal, [$a:literal, $b:literal, $c:literal], $workgroup:literal, $libraries:expr) => {
        kernel!($name, [$a, $b, $c], $workgroup, $libraries, CONSTANTS)
    };
    ($name:literal, [$a:literal, $b:literal, $c:literal], $workgroup:literal, $libraries:expr, $constants:expr) => {
        Kernel {
            name: $name,
            source: shader!($name),
            libraries: $libraries,
            bindings: &[($a, Access::Read), ($b, Access::Read), ($c, Access::Write)],
            params_bytes: 16,
            workgroup: $workgroup,
            constants: $constants,
            activation: false,
        }
    };
}

/// One output group an invocation; any kernel size, stride and padding.
pub static FORWARD_NAIVE: Kernel = kernel!("conv/forward_naive", ["x", "weight", "y"], 64, &[lib::INDEX]);
/// Register tiles; 3x3, stride 1, padding 1.
pub static FORWARD_DIRECT: Kernel =
    kernel!("conv/forward_direct", ["x", "weight", "y"], 16, &[lib::INDEX, lib::FOUR, lib::DIRECT3X3], TILED);
/// Runs of four pixels; any kernel size, stride and padding.
pub static FORWARD_STRIDED: Kernel = kernel!("conv/forward_strided", ["x", "weight", "y"], 32, &[lib::INDEX]);
/// One input group an invocation; any kernel size, stride and padding.
pub static INPUT_GRADIENT_NAIVE: Kernel =
    kernel!("conv/input_gradient_naive", ["dy", "weight", "dx"], 64, &[lib::INDEX]);
/// Register tiles; 3x3, stride 1, padding 1.
pub static INPUT_GRADIENT_DIRECT: Kernel = kernel!(
    "conv/input_gradient_direct",
    ["dy", "weight", "dx"],
    16,
    &[lib::INDEX, lib::FOUR, lib::DIRECT3X3],
    TILED
);
/// Blocks of 2x2 pixels; 3x3, stride 2, padding 1.
pub static INPUT_GRADIENT_STRIDE2: Kernel =
    kernel!("conv/input_gradient_stride2", ["dy", "weight", "dx"], 32, &[lib::INDEX]);
/// One weight group an invocation; any kernel size, stride and padding.
pub static WEIGHT_GRADIENT_NAIVE: Kernel =
    kernel!("conv/weight_gradient_naive", ["x", "dy", "partial"], 64, &[]);
/// Nine taps in registers; 3x3, any stride and padding.
pub static WEIGHT_GRADIENT_DIRECT: Kernel =
    kernel!("conv/weight_gradient_direct", ["x", "dy", "partial"], 16, &[]);
/// Bands of eight rows; 3x3, stride 1, any padding.
pub static WEIGHT_GRADIENT_BANDS: Kernel =
    kernel!("conv/weight_gradient_bands", ["x", "dy", "partial"], 16, &[]);

/// Which rung of the ladder computes a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The first rung: any shape, slow.
    Naive,
    /// Register tiles, where the shape allows; else the first rung.
    Direct,
    /// Larger tiles: two groups of output channels, bands of eight rows; where the shape allows, else as Direct.
    Blocked,
}

impl Variant {
    /// Groups of own channels that an invocation of the tiled kernels takes, of `channels`.
    fn blocks(self, channels: usize) -> usize {
        if self == Self::Blocked && channels > 4 { 2 } else { 1 }
    }
}

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
    /// Most parts that a weight gradient is summed in.
    const MOST_SPLITS: usize = 16;
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

    /// Words of the weights as stored: KERNEL,KERNEL,in,out with channels filled up to four.
    pub fn weight_words(&self) -> usize {
        self.kernel * self.kernel * groups_of_four(self.in_channels) * groups_of_four(self.out_channels) * 16
    }

    /// Words of the input as stored.
    pub fn input_words(&self) -> usize {
        self.batch * self.height * self.width * groups_of_four(self.in_channels) * 4
    }

    /// Words of the output as stored.
    pub fn output_words(&self) -> usize {
        self.batch * self.out_height() * self.out_width() * groups_of_four(self.out_channels) * 4
    }

    /// Floating-point operations of one direction.
    pub fn flops(&self) -> u64 {
        let taps = self.kernel * self.kernel * self.in_channels * self.out_channels;
        2 * (self.batch * self.out_height() * self.out_width() * taps) as u64
    }

    /// Output rows (of all images) of each part of the weight gradient; depends on the shape alone.
    fn rows_a_split(&self) -> usize {
        let rows = self.batch * self.out_height();
        let least = Self::LEAST_PIXELS.div_ceil(self.out_width());
        rows.div_ceil(Self::MOST_SPLITS).max(least).min(rows)
    }

    fn images_a_split(&self) -> usize {
        self.batch.div_ceil(self.splits())
    }

    /// Number of parts that the weight gradient is summed in; optimizer/reduce joins them in order.
    pub fn splits(&self) -> usize {
        (self.batch * self.out_height()).div_ceil(self.rows_a_split())
    }

    fn constants(&self, accumulate: bool) -> Constants {
        Constants::new()
            .u32("KERNEL", self.kernel as u32)
            .u32("STRIDE", self.stride as u32)
            .u32("PAD", self.padding as u32)
            .u32("H_IN", self.height as u32)
            .u32("W_IN", self.width as u32)
            .u32("C_IN4", groups_of_four(self.in_channels) as u32)
            .u32("H_OUT", self.out_height() as u32)
            .u32("W_OUT", self.out_width() as u32)
            .u32("C_OUT4", groups_of_four(self.out_channels) as u32)
            .bool("ACCUMULATE", accumulate)
    }

    fn check(&self, kernel: &Kernel, lengths: [(&View, usize, &str); 3]) -> Result<()> {
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

    /// Bands of eight output rows (of all images) of each part of the weight gradient.
    fn bands_a_split(&self) -> usize {
        let bands = self.batch * self.out_height().div_ceil(8);
        bands.div_ceil(self.splits())
    }

    fn is_3x3(&self, stride: usize) -> bool {
        self.kernel == 3 && self.stride == stride && self.padding == 1
    }

    /// An invocation for each tile of the input, times blocks of `blocks` groups of `channels`.
    fn tile_groups(
        &self,
        [down, across]: [usize; 2],
        channels: usize,
        blocks: usize,
        kernel: &Kernel,
    ) -> Groups {
        let tiles = self.batch * self.height.div_ceil(down) * self.width.div_ceil(across);
        per_channel_group(tiles, channels.div_ceil(blocks), kernel)
    }

    /// y = conv(x, weight).
    ///
    /// # Errors
    /// A view shorter than the shape needs, or a shape with a zero.
    pub fn forward(&self, variant: Variant, x: &View, weight: &View, y: &View) -> Result<Dispatch> {
        let kernel = match variant {
            Variant::Naive => &FORWARD_NAIVE,
            _ if self.is_3x3(1) => &FORWARD_DIRECT,
            _ => &FORWARD_STRIDED,
        };
        self.check(
            kernel,
            [
                (x, self.input_words(), "x"),
                (weight, self.weight_words(), "weight"),
                (y, self.output_words(), "y"),
            ],
        )?;
        let groups = match variant {
            Variant::Naive => Groups::cover(self.output_words() as u64 / 4, kernel.workgroup),
            _ if self.is_3x3(1) => {
                self.tile_groups([4, 4], self.out_channels, variant.blocks(self.out_channels), kernel)
            }
            _ => {
                let runs = self.batch * self.out_height() * self.out_width().div_ceil(4);
                per_channel_group(runs, self.out_channels, kernel)
            }
        };
        let mut dispatch = self.dispatch(kernel, false, [x, weight, y], [0, 0], groups);
        dispatch.constants = dispatch.constants.u32("BLOCKS", variant.blocks(self.out_channels) as u32);
        Ok(dispatch)
    }

    /// dx = gradient with respect to x; `accumulate` adds to what dx holds.
    ///
    /// # Errors
    /// As [`Conv::forward`].
    pub fn input_gradient(
        &self,
        variant: Variant,
        dy: &View,
        weight: &View,
        dx: &View,
        accumulate: bool,
    ) -> Result<Dispatch> {
        let blocks = variant.blocks(self.in_channels);
        let (kernel, tile) = match variant {
            Variant::Naive => (&INPUT_GRADIENT_NAIVE, None),
            _ if self.is_3x3(1) => (&INPUT_GRADIENT_DIRECT, Some(([4, 4], blocks))),
            _ if self.is_3x3(2) => (&INPUT_GRADIENT_STRIDE2, Some(([2, 2], 1))),
            _ => (&INPUT_GRADIENT_NAIVE, None),
        };
        self.check(
            kernel,
            [
                (dy, self.output_words(), "dy"),
                (weight, self.weight_words(), "weight"),
                (dx, self.input_words(), "dx"),
            ],
        )?;
        let groups = match tile {
            Some((tile, blocks)) => self.tile_groups(tile, self.in_channels, blocks, kernel),
            None => Groups::cover(self.input_words() as u64 / 4, kernel.workgroup),
        };
        let mut dispatch = self.dispatch(kernel, accumulate, [dy, weight, dx], [0, 0], groups);
        dispatch.constants = dispatch.constants.u32("BLOCKS", blocks as u32);
        Ok(dispatch)
    }

    /// partial = gradient with respect to the weights, in [`Conv::splits`] parts of `stride` words each.
    ///
    /// # Errors
    /// As [`Conv::forward`].
    pub fn weight_gradient(
        &self,
        variant: Variant,
        x: &View,
        dy: &View,
        partial: &View,
        stride: usize,
    ) -> Result<Dispatch> {
        let kernel = match variant {
            Variant::Blocked if self.kernel == 3 && self.stride == 1 => &WEIGHT_GRADIENT_BANDS,
            Variant::Direct | Variant::Blocked if self.kernel == 3 => &WEIGHT_GRADIENT_DIRECT,
            _ => &WEIGHT_GRADIENT_NAIVE,
        };
        self.check(
            kernel,
            [
                (x, self.input_words(), "x"),
                (dy, self.output_words(), "dy"),
                (partial, stride * (self.splits() - 1) + self.weight_words(), "partial"),
            ],
        )?;
        let lanes = (groups_of_four(self.in_channels) * 4).div_ceil(kernel.workgroup as usize) as u32;
        let (out4, splits) = (groups_of_four(self.out_channels) as u32, self.splits() as u32);
        let (each, groups) = if std::ptr::eq(kernel, &WEIGHT_GRADIENT_BANDS) {
            (self.bands_a_split(), [lanes, out4, splits])
        } else if std::ptr::eq(kernel, &WEIGHT_GRADIENT_DIRECT) {
            (self.rows_a_split(), [lanes, out4.div_ceil(2), splits])
        } else {
            let items = (self.weight_words() as u32 / 4).div_ceil(kernel.workgroup);
            (self.images_a_split(), [items, 1, splits])
        };
        Ok(self.dispatch(kernel, false, [x, dy, partial], [each as u32, stride as u32], Groups(groups)))
    }

    fn dispatch(
        &self,
        kernel: &'static Kernel,
        accumulate: bool,
        bindings: [&View; 3],
        more: [u32; 2],
        groups: Groups,
    ) -> Dispatch {
        Dispatch {
            kernel,
            constants: self.constants(accumulate),
            activation: None,
            bindings: bindings.into_iter().cloned().collect(),
            params: bytemuck::cast_slice(&[self.batch as u32, more[0], more[1], 0]).to_vec(),
            groups,
            label: String::new(),
            flops: self.flops(),
        }
    }
}

/// An invocation for each item, in a line, times the groups of `channels` in z.
fn per_channel_group(items: usize, channels: usize, kernel: &Kernel) -> Groups {
    let Groups([x, y, _]) = Groups::cover(items as u64, kernel.workgroup);
    Groups([x, y, groups_of_four(channels) as u32])
}

/// PyTorch's OIHW weights as stored on the device: KERNEL,KERNEL,in,out, channels filled up with zeros.
pub fn pack_weights(oihw: &[f32], out_channels: usize, in_channels: usize, kernel: usize) -> Vec<f32> {
    let (i4, o4) = (groups_of_four(in_channels) * 4, groups_of_four(out_channels) * 4);
    let mut packed = vec![0.0; kernel * kernel * i4 * o4];
    for o in 0..out_channels {
        for i in 0..in_channels {
            for tap in 0..kernel * kernel {
                packed[(tap * i4 + i) * o4 + o] = oihw[(o * in_channels + i) * kernel * kernel + tap];
            }
        }
    }
    packed
}

/// The inverse of [`pack_weights`].
pub fn unpack_weights(packed: &[f32], out_channels: usize, in_channels: usize, kernel: usize) -> Vec<f32> {
    let (i4, o4) = (groups_of_four(in_channels) * 4, groups_of_four(out_channels) * 4);
    let mut oihw = vec![0.0; out_channels * in_channels * kernel * kernel];
    for o in 0..out_channels {
        for i in 0..in_channels {
            for tap in 0..kernel * kernel {
                oihw[(o * in_channels + i) * kernel * kernel + tap] = packed[(tap * i4 + i) * o4 + o];
            }
        }
    }
    oihw
}
