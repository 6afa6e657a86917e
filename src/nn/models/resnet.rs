//! CIFAR ResNets of He et al. 2015, with the names of the usual PyTorch checkpoints.

use super::{DropSite, Settings, ShortcutOption};
use crate::Result;
use crate::kernels::Activation;
use crate::kernels::residual::Scale;
use crate::nn::{Builder, Init, Network, ShortcutSite, Value};

/// Three stages of `n` blocks with 16, 32 and 64 channels, times the width (section 4.2 of the paper).
pub(super) fn resnet(name: &str, n: usize, settings: &Settings) -> Result<Network> {
    let (act, width, drops) = (&settings.activation, settings.width, &settings.regularize);
    let mut b = settings.builder(name, Init::HE_NORMAL, Init::HE_NORMAL);
    let x = b.conv("conv1", b.image(), 16 * width * act.pieces(), 3, 1, 1)?;
    let x = b.batchnorm("bn1", x, act, ShortcutSite::None)?;
    let mut x = drops.drop_at(&mut b, DropSite::Activations, "drop1", x)?;
    for (stage, channels) in [(1, 16), (2, 32), (3, 64)] {
        for block in 0..n {
            let stride = if stage > 1 && block == 0 { 2 } else { 1 };
            let scale = drops.scale((stage - 1) * n + block + 1, 3 * n);
            let name = format!("layer{stage}.{block}");
            x = basic_block(&mut b, &name, x, (channels * width, stride), scale, settings)?;
        }
    }
    let x = b.global_average_pool("pool", x);
    let x = drops.drop_at(&mut b, DropSite::Head, "drop", x)?;
    b.classifier("linear", x)?;
    b.finish()
}

/// conv, batch norm, activation, conv, batch norm, sum, activation. Where an activation changes the number of channels, the
/// shortcut is a projection (option B) in every block.
fn basic_block(
    b: &mut Builder,
    name: &str,
    x: Value,
    (channels, stride): (usize, usize),
    scale: Scale,
    settings: &Settings,
) -> Result<Value> {
    let (act, drops) = (&settings.activation, &settings.regularize);
    let wide = channels * act.pieces();
    let from = b.shape(x)[2];
    let shortcut = if from == wide && stride == 1 {
        ShortcutSite::Same(x)
    } else if settings.option == ShortcutOption::A && from <= wide && stride == 2 {
        ShortcutSite::Padded(x)
    } else {
        let y = b.conv(&format!("{name}.shortcut.0"), x, wide, 1, stride, 0)?;
        let identity = Activation::identity();
        ShortcutSite::Same(b.batchnorm(&format!("{name}.shortcut.1"), y, &identity, ShortcutSite::None)?)
    };
    let y = b.conv(&format!("{name}.conv1"), x, wide, 3, stride, 1)?;
    let y = b.batchnorm(&format!("{name}.bn1"), y, act, ShortcutSite::None)?;
    let y = drops.drop_at(b, DropSite::Activations, &format!("{name}.drop1"), y)?;
    let y = drops.drop_at(b, DropSite::Block, &format!("{name}.drop"), y)?;
    let y = b.conv(&format!("{name}.conv2"), y, wide, 3, 1, 1)?;
    drops.block_end(b, name, (y, shortcut), act, scale)
}
