//! Pre-activation networks: batch norm and activation stand before each convolution, and nothing behind the sum.

use super::{DropSite, Settings};
use crate::Result;
use crate::kernels::residual::Scale;
use crate::nn::{Builder, Init, Network, ShortcutSite, Value};

/// The network of the DropActivation replication in Keras (one_week_one_paper, "ResNet56"): VALID stem without batch norm
/// (30, 15 and 8 pixels), a 1x1 projection of the raw input in the first block of every stage, also of the first one.
pub(super) fn seed(name: &str, n: usize, settings: &Settings) -> Result<Network> {
    let (act, drops, width) = (&settings.activation, &settings.regularize, settings.width);
    let mut b = settings.builder(name, Init::HE_TRUNCATED, Init::GLOROT_UNIFORM).zero_bias(true);
    let mut x = b.conv("conv1", b.image(), 16 * width, 3, 1, 0)?;
    for (stage, channels) in [(1, 16), (2, 32), (3, 64)] {
        for block in 0..n {
            let stride = if stage > 1 && block == 0 { 2 } else { 1 };
            let block = Block {
                name: format!("layer{stage}.{block}"),
                channels: channels * width,
                stride,
                shortcut: if block == 0 { Projection::Raw } else { Projection::None },
                names: ["shortcut", "conv1", "conv2"],
                scale: drops.scale((stage - 1) * n + block + 1, 3 * n),
            };
            x = block.write(&mut b, x, settings)?;
        }
    }
    let x = b.batchnorm("bn", x, act, ShortcutSite::None)?;
    let x = drops.drop_at(&mut b, DropSite::Activations, "drop1", x)?;
    let x = b.global_average_pool("pool", x);
    let x = drops.drop_at(&mut b, DropSite::Head, "drop", x)?;
    b.classifier("linear", x)?;
    b.finish()
}

/// Wide ResNet (Zagoruyko and Komodakis 2016) with the names of its usual PyTorch version: three stages of `n` blocks with
/// 16k, 32k and 64k channels; where the shape changes, the shortcut is a 1x1 convolution of the activated input.
pub(super) fn wide(name: &str, n: usize, k: usize, settings: &Settings) -> Result<Network> {
    let (act, drops) = (&settings.activation, &settings.regularize);
    let mut b = settings.builder(name, Init::parse("he_normal_fan_out")?, Init::HE_NORMAL).zero_bias(true);
    let mut x = b.conv("conv1", b.image(), 16, 3, 1, 1)?;
    for (stage, channels) in [(1, 16 * k), (2, 32 * k), (3, 64 * k)] {
        for block in 0..n {
            let stride = if stage > 1 && block == 0 { 2 } else { 1 };
            let changes = stride > 1 || b.shape(x)[2] != channels;
            let block = Block {
                name: format!("block{stage}.layer.{block}"),
                channels,
                stride,
                shortcut: if changes { Projection::Activated } else { Projection::None },
                names: ["convShortcut", "conv1", "conv2"],
                scale: drops.scale((stage - 1) * n + block + 1, 3 * n),
            };
            x = block.write(&mut b, x, settings)?;
        }
    }
    let x = b.batchnorm("bn1", x, act, ShortcutSite::None)?;
    let x = drops.drop_at(&mut b, DropSite::Activations, "drop1", x)?;
    let x = b.global_average_pool("pool", x);
    let x = drops.drop_at(&mut b, DropSite::Head, "drop", x)?;
    b.classifier("fc", x)?;
    b.finish()
}

/// What a block's 1x1 convolution reads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Projection {
    /// There is none.
    None,
    /// The block's input.
    Raw,
    /// The block's input behind batch norm and activation.
    Activated,
}

/// batch norm, activation, conv, batch norm, activation, conv, sum.
struct Block {
    name: String,
    channels: usize,
    stride: usize,
    shortcut: Projection,
    /// Of the shortcut and of both convolutions.
    names: [&'static str; 3],
    scale: Scale,
}

impl Block {
    fn write(&self, b: &mut Builder, x: Value, settings: &Settings) -> Result<Value> {
        let (act, drops) = (&settings.activation, &settings.regularize);
        let named = |part: &str| format!("{}.{part}", self.name);
        let [shortcut, conv1, conv2] = self.names.map(named);
        let h = b.batchnorm(&named("bn1"), x, act, ShortcutSite::None)?;
        let h = drops.drop_at(b, DropSite::Activations, &named("drop1"), h)?;
        let source = if self.shortcut == Projection::Activated { h } else { x };
        let skip = match self.shortcut {
            Projection::None => x,
            _ => b.conv(&shortcut, source, self.channels, 1, self.stride, 0)?,
        };
        let y = b.conv(&conv1, h, self.channels * act.pieces(), 3, self.stride, 1)?;
        let y = b.batchnorm(&named("bn2"), y, act, ShortcutSite::None)?;
        let y = drops.drop_at(b, DropSite::Activations, &named("drop2"), y)?;
        let y = drops.drop_at(b, DropSite::Block, &named("drop"), y)?;
        let y = b.conv(&conv2, y, self.channels, 3, 1, 1)?;
        b.add(&named("add"), y, ShortcutSite::Same(skip), self.scale)
    }
}
