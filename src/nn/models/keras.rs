//! Keras' CIFAR-10 ResNet example (cifar10_resnet.py), both versions: every convolution has a bias.

use super::{DropSite, Settings};
use crate::Result;
use crate::kernels::Activation;
use crate::kernels::residual::Scale;
use crate::nn::{Builder, Init, Network, ShortcutSite, Value};

fn builder(name: &str, settings: &Settings) -> Builder {
    settings.builder(name, Init::HE_TRUNCATED, Init::HE_TRUNCATED).zero_bias(true)
}

/// Version 1: as He et al., with projections without batch norm. The stem's activation is a relu whatever the others are, as
/// in GAAF-keras.
pub(super) fn version1(name: &str, n: usize, settings: &Settings) -> Result<Network> {
    let (act, drops, width) = (&settings.activation, &settings.regularize, settings.width);
    let mut b = builder(name, settings);
    let x = b.conv_with_bias("conv1", b.image(), 16 * width, 3, 1, 1)?;
    let mut x = b.batchnorm("bn1", x, &Activation::parse("relu")?, ShortcutSite::None)?;
    for (stage, channels) in [(1, 16 * width), (2, 32 * width), (3, 64 * width)] {
        for block in 0..n {
            let stride = if stage > 1 && block == 0 { 2 } else { 1 };
            let name = format!("layer{stage}.{block}");
            let wide = channels * act.pieces();
            let same = b.shape(x)[2] == wide && stride == 1;
            let skip =
                if same { x } else { b.conv_with_bias(&format!("{name}.shortcut"), x, wide, 1, stride, 0)? };
            let y = b.conv_with_bias(&format!("{name}.conv1"), x, wide, 3, stride, 1)?;
            let y = b.batchnorm(&format!("{name}.bn1"), y, act, ShortcutSite::None)?;
            let y = drops.drop_at(&mut b, DropSite::Activations, &format!("{name}.drop1"), y)?;
            let y = drops.drop_at(&mut b, DropSite::Block, &format!("{name}.drop"), y)?;
            let y = b.conv_with_bias(&format!("{name}.conv2"), y, wide, 3, 1, 1)?;
            let scale = drops.scale((stage - 1) * n + block + 1, 3 * n);
            x = drops.block_end(&mut b, &name, (y, ShortcutSite::Same(skip)), act, scale)?;
        }
    }
    head(b, x, settings)
}

/// Version 2: pre-activation bottlenecks of 1x1, 3x3 and 1x1 convolutions; 16, 64, 128 and then 64, 128, 256 channels.
pub(super) fn version2(name: &str, n: usize, settings: &Settings) -> Result<Network> {
    let (act, drops, width) = (&settings.activation, &settings.regularize, settings.width);
    let mut b = builder(name, settings);
    let x = b.conv_with_bias("conv1", b.image(), 16 * width * act.pieces(), 3, 1, 1)?;
    let mut x = b.batchnorm("bn1", x, act, ShortcutSite::None)?;
    let stages = [(1, [16, 64]), (2, [64, 128]), (3, [128, 256])];
    for (stage, channels) in stages {
        for block in 0..n {
            let stride = if stage > 1 && block == 0 { 2 } else { 1 };
            let bottleneck = Bottleneck {
                name: format!("layer{stage}.{block}"),
                channels: channels.map(|c| c * width),
                stride,
                first: block == 0,
                normalised: stage == 1 && block == 0,
                scale: drops.scale((stage - 1) * n + block + 1, 3 * n),
            };
            x = bottleneck.write(&mut b, x, settings)?;
        }
    }
    let x = b.batchnorm("bn", x, act, ShortcutSite::None)?;
    head(b, x, settings)
}

fn head(mut b: Builder, x: Value, settings: &Settings) -> Result<Network> {
    let x = b.global_average_pool("pool", x);
    let x = settings.regularize.drop_at(&mut b, DropSite::Head, "drop", x)?;
    b.classifier("linear", x)?;
    b.finish()
}

struct Bottleneck {
    name: String,
    /// Inside, and of the sum.
    channels: [usize; 2],
    stride: usize,
    /// Whether it is its stage's first block, with a projection.
    first: bool,
    /// Whether its input has gone through batch norm and activation already.
    normalised: bool,
    scale: Scale,
}

impl Bottleneck {
    fn write(&self, b: &mut Builder, x: Value, settings: &Settings) -> Result<Value> {
        let (act, drops) = (&settings.activation, &settings.regularize);
        let named = |part: &str| format!("{}.{part}", self.name);
        let [inner, outer] = self.channels;
        let wide = inner * act.pieces();
        let h = if self.normalised { x } else { b.batchnorm(&named("bn1"), x, act, ShortcutSite::None)? };
        let y = b.conv_with_bias(&named("conv1"), h, wide, 1, self.stride, 0)?;
        let y = b.batchnorm(&named("bn2"), y, act, ShortcutSite::None)?;
        let y = drops.drop_at(b, DropSite::Activations, &named("drop2"), y)?;
        let y = b.conv_with_bias(&named("conv2"), y, wide, 3, 1, 1)?;
        let y = b.batchnorm(&named("bn3"), y, act, ShortcutSite::None)?;
        let y = drops.drop_at(b, DropSite::Activations, &named("drop3"), y)?;
        let y = drops.drop_at(b, DropSite::Block, &named("drop"), y)?;
        let y = b.conv_with_bias(&named("conv3"), y, outer, 1, 1, 0)?;
        let skip = match self.first {
            true => b.conv_with_bias(&named("shortcut"), x, outer, 1, self.stride, 0)?,
            false => x,
        };
        b.add(&named("add"), y, ShortcutSite::Same(skip), self.scale)
    }
}
