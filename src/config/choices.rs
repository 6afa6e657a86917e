//! The settings that are one word out of a few.

use serde::{Deserialize, Serialize};

/// What replaces the identity where a block changes the number of channels (He et al. 2015, section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortcut {
    /// `"a"`: every second pixel, and zero channels on both sides; no parameters.
    A,
    /// `"b"`: a 1x1 convolution with its batch normalisation.
    B,
}

/// How exact the convolutions' products are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// `"f32"`: f32 throughout.
    F32,
    /// `"mixed"`: factors rounded to f16, sums, tensors and weights in f32; takes a device with cooperative matrices.
    Mixed,
}

/// How validation images are taken out of the training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// `"stratified"`: shuffled with the seed, the same share of every class.
    Stratified,
    /// `"head"`: the first images in file order train, the rest validates.
    Head,
    /// `"random"`: shuffled with the seed, whatever the classes.
    Random,
    /// `"none"`: every training image trains and there is no validation.
    None,
}

/// Where the images' bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Residence {
    /// `"auto"`: on the device where they fit beside the network, else as with `"never"`.
    Auto,
    /// `"always"`: on the device, in as many buffers as its binding limit asks for.
    Always,
    /// `"never"`: in the host's memory; each batch is uploaded while earlier steps are under way.
    Never,
}

/// Whether values that are cheap to compute once more, such as what a batch norm gives to the next convolution, are kept for the
/// backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recompute {
    /// `"auto"`: kept where all fits on the device, else computed once more.
    Auto,
    /// `"always"`: computed once more: a quarter less memory for a ResNet's values, some per cent more time.
    Always,
    /// `"never"`: kept.
    Never,
}

/// What happens to the images that do not fill the last batch of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastBatch {
    /// `"smaller"`: they make a smaller batch.
    Smaller,
    /// `"drop"`: they sit this epoch out (the next shuffle leaves out others).
    Drop,
}

/// How the place of a crop is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// `"whole"`: whole pixels, each of -pad..=pad alike.
    Whole,
    /// `"keras_whole"`: whole pixels as Keras' `ImageDataGenerator` draws for the integer range pad + 1: 0..=pad alike, then a
    /// sign, so that 0 comes twice as often as each other.
    KerasWhole,
    /// `"fraction"`: any distance up to `range` of the size, with bilinear weights, as Keras' fractional ranges.
    Fraction,
}

/// What lies outside of a shifted image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// `"zero"`: black, or 0 with `normalize_first`.
    Zero,
    /// `"reflect"`: the image mirrored at its outermost pixels, which are not repeated.
    Reflect,
    /// `"edge"`: the outermost pixel (Keras' `"nearest"`).
    Edge,
}

/// How pixels are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalization {
    /// `"per_image"`: minus the image's mean over all 3,072 values, by its population standard deviation + 1e-7.
    PerImage,
    /// `"per_image_adjusted"`: the same, by max(deviation, 1/sqrt(3,072)), as TensorFlow's `per_image_standardization`.
    PerImageAdjusted,
    /// `"per_channel"`: minus `mean`, by `std`, one of each per channel.
    PerChannel,
    /// `"per_pixel"`: by the mean and deviation of the training images at each pixel and channel.
    PerPixel,
    /// `"per_pixel_mean"`: pixels as 0..1 minus the mean of the training images at each pixel and channel.
    PerPixelMean,
    /// `"scaled"`: pixels as 0..1.
    Scaled,
    /// `"raw"`: pixels as 0..255.
    Raw,
}

/// What happens when a loss is no longer a finite number, or beyond all bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNan {
    /// `"stop"`: the run ends with what can be said about the cause; its last good checkpoint stays.
    Stop,
    /// `"rollback"`: back to the last good checkpoint, with half the learning rate from there on; at most five times.
    Rollback,
}

/// The rule that turns gradients into weight updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// `"sgd"`: stochastic gradient descent with momentum, as `torch.optim.SGD` with dampening 0.
    Sgd,
    /// `"adam"`: Kingma, Ba 2014, weight decay added to the gradient.
    Adam,
    /// `"adamw"`: Adam with decoupled weight decay: weights shrink by lr * `weight_decay` of themselves, past the moments.
    Adamw,
    /// `"nadam"`: Adam with Nesterov's look-ahead (Dozat 2016).
    Nadam,
    /// `"rmsprop"`: gradients over the root of their mean square, as `torch.optim.RMSprop` without centring.
    Rmsprop,
}

/// What `optimizer.weight_decay` = x means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum L2 {
    /// `"torch"`: gradient += x * w, of a penalty x/2 * sum(w^2).
    Torch,
    /// `"keras"`: a penalty x * sum(w^2), so gradient += 2x * w.
    Keras,
}

/// The parameters that weight decay acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayOn {
    /// `"all"`: every trained parameter, batch norm and biases as well (PyTorch's habit), but for what activations learn.
    All,
    /// `"kernels"`: the weights of convolutions and linear layers only (Keras' habit).
    Kernels,
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// `"steps"`: times `gamma` at every milestone.
    Steps,
    /// `"cosine"`: half a cosine, from `optimizer.lr` to 0 at the end of the last epoch.
    Cosine,
    /// `"constant"`: `optimizer.lr` throughout.
    Constant,
    /// `"exponential"`: lr * gamma^(epochs / `decay_epochs`), Keras' `ExponentialDecay`.
    Exponential,
    /// `"one_cycle"`: linearly from a tenth of `optimizer.lr` up to it, back, and in the last tenth of the steps down to a
    /// ten-thousandth (Geron, Hands-on Machine Learning, chapter 11, after Smith 2018).
    OneCycle,
    /// `"triangle"`: linearly from `start` of `optimizer.lr` up to it, at `peak` of the steps, and down to `end` (Jordan's airbench).
    Triangle,
    /// `"plateau"`: times `gamma` when `monitor` makes no progress, Keras' `ReduceLROnPlateau`.
    Plateau,
}

/// The views of a test image whose logits are averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tta {
    /// `"none"`: the image itself.
    #[default]
    None,
    /// `"flip"`: the image and its mirror image.
    Flip,
    /// `"flip_translate"`: those, with half of the weight, and both moved by a pixel up and left or down and right.
    FlipTranslate,
}

impl Tta {
    /// Whether images are evaluated as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// What tells a better epoch from a worse one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// `"val_accuracy"`: higher is better.
    #[default]
    ValAccuracy,
    /// `"val_loss"`: lower is better.
    ValLoss,
}
