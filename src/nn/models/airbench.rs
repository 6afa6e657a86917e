//! The network of Jordan's airbench94 (arXiv 2404.00498, section 3): a whitening stem and three groups of two convolutions.

use super::{DropSite, Settings};
use crate::Result;
use crate::kernels::Activation;
use crate::nn::{Builder, Init, Network, ShortcutSite, Trained, Value};

/// Pixels of the whitened patches' side.
const PATCH: usize = 2;
/// Epochs in which the stem's bias is trained.
const STEM_BIAS_EPOCHS: u32 = 3;
/// What the logits are multiplied by: 1/9.
const LOGITS: &str = "scale:factor=0.11111111";

/// `base` channels in the first group, four times as many in the others. Batch norm has no scale; convolutions begin as the
/// identity on as many channels as they read, all else as PyTorch's layers do.
pub(super) fn airbench(name: &str, base: usize, settings: &Settings) -> Result<Network> {
    let (act, drops, width) = (&settings.activation, &settings.regularize, settings.width);
    let mut b = settings.builder(name, Init::DiracUniform, Init::TORCH_UNIFORM).zero_bias(true);
    let patch = b.shape(b.image())[2] * PATCH * PATCH;
    let x = b.conv_with_bias("conv1", b.image(), 2 * patch, PATCH, 1, 0)?;
    let stem = b.parameter("conv1.weight")?;
    (stem.init, stem.trained) = (Init::Whitening, Trained::Never);
    b.parameter("conv1.bias")?.trained = Trained::First(STEM_BIAS_EPOCHS);
    let mut x = b.activation("act1", x, act)?;
    for (group, channels) in [(1, base), (2, 4 * base), (3, 4 * base)] {
        let name = format!("layer{group}");
        let channels = channels * width * act.pieces();
        x = half_group(&mut b, [&name, "1"], x, channels, true, settings)?;
        x = drops.drop_at(&mut b, DropSite::Block, &format!("{name}.drop"), x)?;
        x = half_group(&mut b, [&name, "2"], x, channels, false, settings)?;
    }
    // 3 x 3 of an image of 32 x 32: what is left.
    let [height, ..] = b.shape(x);
    let x = b.max_pool("pool", x, height)?;
    let x = drops.drop_at(&mut b, DropSite::Head, "drop", x)?;
    let x = b.classifier_without_bias("linear", x)?;
    b.activation("logits", x, &Activation::parse(LOGITS)?)?;
    b.finish()
}

/// Convolution, max pooling for the first of a group, batch norm without scale, activation.
fn half_group(
    b: &mut Builder,
    [group, number]: [&str; 2],
    x: Value,
    channels: usize,
    pools: bool,
    settings: &Settings,
) -> Result<Value> {
    let named = |part: &str| format!("{group}.{part}{number}");
    let mut y = b.conv(&named("conv"), x, channels, 3, 1, 1)?;
    if pools {
        y = b.max_pool(&format!("{group}.pool"), y, 2)?;
    }
    let y = b.batchnorm(&named("bn"), y, &settings.activation, ShortcutSite::None)?;
    b.parameter(&format!("{}.weight", named("bn")))?.trained = Trained::Never;
    settings.regularize.drop_at(b, DropSite::Activations, &named("drop"), y)
}
