//! Dense networks: the 20 layers of 100 of Geron's "Hands-on Machine Learning", chapter 11, exercise 8.

use super::{DropSite, Settings};
use crate::Result;
use crate::nn::{Init, Network, ShortcutSite};

/// `layers` hidden layers of `units`; with `batchnorm` one on the input and one before each activation. Weights start as
/// He normal (Keras', truncated), those of the output as Glorot uniform, biases at 0.
pub(super) fn mlp(
    name: &str,
    [layers, units]: [usize; 2],
    batchnorm: bool,
    settings: &Settings,
) -> Result<Network> {
    let (act, drops) = (&settings.activation, &settings.regularize);
    let mut b = settings.builder(name, Init::HE_TRUNCATED, Init::GLOROT_UNIFORM).zero_bias(true);
    let mut x = b.flatten("flatten", b.image());
    if batchnorm {
        x = b.batchnorm("bn", x, &crate::kernels::Activation::identity(), ShortcutSite::None)?;
    }
    for layer in 0..layers {
        if layer > 0 {
            x = drops.drop_at(&mut b, DropSite::Block, &format!("drop.{layer}"), x)?;
        }
        x = b.linear(&format!("hidden.{layer}"), x, units * act.pieces())?;
        x = match batchnorm {
            true => b.batchnorm(&format!("bn{layer}"), x, act, ShortcutSite::None)?,
            false => b.activation(&format!("act{layer}"), x, act)?,
        };
        x = drops.drop_at(&mut b, DropSite::Activations, &format!("drop{layer}"), x)?;
    }
    let x = drops.drop_at(&mut b, DropSite::Head, "drop", x)?;
    b.classifier("linear", x)?;
    b.finish()
}
