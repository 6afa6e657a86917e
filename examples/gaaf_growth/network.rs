//! The residual networks that the growth of gradients is measured in, and the measurement: on the real plans, forward and backward.

use wgrad::Result;
use wgrad::gpu::{Gpu, Recorder};
use wgrad::kernels::Activation;
use wgrad::kernels::conv::Choices;
use wgrad::kernels::loss::CrossEntropy;
use wgrad::kernels::optimizer::State;
use wgrad::kernels::residual::Scale;
use wgrad::nn::models::{self, Settings};
use wgrad::nn::{Builder, Layer, Mode, Network, Pass, ShortcutSite, Weights, Workspace};
use wgrad::rng::{Sequence, Stream};
use wgrad::train::single_step;

/// Units of every layer.
const UNITS: usize = 64;
/// Images of the batch, and classes: each image has its own.
const BATCH: usize = 256;

/// How a block ends: activation(x + branch), or x + branch with the activations before the layers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// He et al. 2015.
    Post,
    /// He et al. 2016.
    Pre,
}

/// `blocks` residual blocks of two dense layers of 64 with batch norm. The image of number n is 1 at n and 0 elsewhere, so that
/// the first layer's weights are the inputs of the blocks, and their gradient is the inputs' gradient.
fn dense(order: Order, blocks: usize, act: &Activation) -> Result<Network> {
    let mut b = Builder::new("dense", [1, 1, BATCH], BATCH).zero_bias(true);
    let mut x = b.linear("stem", b.image(), UNITS)?;
    for block in 0..blocks {
        let named = |part: &str| format!("{block}.{part}");
        let h = match order {
            Order::Post => x,
            Order::Pre => b.batchnorm(&named("bn1"), x, act, ShortcutSite::None)?,
        };
        let y = b.linear(&named("linear1"), h, UNITS)?;
        let y = b.batchnorm(&named("bn2"), y, act, ShortcutSite::None)?;
        let y = b.linear(&named("linear2"), y, UNITS)?;
        x = match order {
            Order::Post => b.batchnorm(&named("bn3"), y, act, ShortcutSite::Same(x))?,
            Order::Pre => b.add(&named("add"), y, ShortcutSite::Same(x), Scale::One)?,
        };
    }
    b.classifier("head", x)?;
    b.finish()
}

fn norm(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Norm of the gradient of the blocks' inputs over that of their outputs. Inputs are standard normals, and the outputs' gradient
/// is normal too: that of the last layer, small enough for all classes to be as likely, has each image's own row of it.
///
/// # Errors
/// A lost device.
pub fn growth(gpu: &Gpu, order: Order, blocks: usize, act: &Activation, seed: u32) -> Result<f64> {
    let network = dense(order, blocks, act)?;
    let weights = Weights::new(gpu, &network, BATCH)?;
    weights.initialize(gpu, &network, seed)?;
    let normals = |layer: u32, deviation: f64| -> Vec<f32> {
        let mut sequence = Sequence::new(seed, Stream::Test, 1, layer);
        (0..UNITS * BATCH).map(|_| (deviation * sequence.normal()) as f32).collect()
    };
    let head = normals(1, 1e-3);
    for parameter in &network.parameters {
        match parameter.name.as_str() {
            "stem.weight" => weights.set(gpu, parameter, &normals(0, 1.0))?,
            "head.weight" => weights.set(gpu, parameter, &head)?,
            _ => {}
        }
    }
    let images: Vec<f32> =
        (0..BATCH * BATCH).map(|i| if i / BATCH == i % BATCH { 1.0 } else { 0.0 }).collect();
    let labels: Vec<u32> = (0..BATCH as u32).collect();
    let step = single_step(gpu, &network, &weights, &images, &labels, Mode::Train, seed)?;
    let output = step.logits.chunks_exact(BATCH).enumerate().flat_map(|(n, row)| {
        let total: f64 = row.iter().map(|&z| f64::from(z).exp()).sum();
        let share = |k: usize| f64::from(row[k]).exp() / total - if k == n { 1.0 } else { 0.0 };
        let shares: Vec<f64> = (0..BATCH).map(|k| share(k) / BATCH as f64).collect();
        let head = &head;
        (0..UNITS).map(move |c| (0..BATCH).map(|k| shares[k] * f64::from(head[k * UNITS + c])).sum::<f64>())
    });
    let output = norm(output);
    Ok(norm(step.gradients[0].iter().map(|&v| f64::from(v))) / output)
}

/// The same of a model for CIFAR-10 on these normalised images, from the output of its stem's convolution to that of the last
/// block's last one: a batch norm's backward pass leaves the gradient of its input in the input's place.
///
/// # Errors
/// A lost device.
pub fn model_growth(
    gpu: &Gpu,
    model: &str,
    act: &Activation,
    images: &[f32],
    labels: &[u32],
    seed: u32,
) -> Result<f64> {
    let network = models::build(model, &Settings::cifar10(act.clone()))?;
    let batch = labels.len();
    let weights = Weights::new(gpu, &network, batch)?;
    weights.initialize(gpu, &network, seed)?;
    let mut workspace = Workspace::new(gpu, &network, batch, batch, false)?;
    gpu.write(&workspace.value(&network, 0, batch), images)?;
    let state = gpu.upload("state", &[State::default()])?.view();
    let labels = gpu.upload("labels", labels)?.view();
    let records = gpu.buffer("records", 2)?.view();
    let logits = workspace.value(&network, network.logits(), batch);
    let dlogits = gpu.buffer("dlogits", network.words(network.logits(), batch))?.view();
    let (choices, mut recorder) = (Choices::of_device(gpu), Recorder::new());
    let mut pass = Pass {
        gpu,
        network: &network,
        weights: &weights,
        workspace: &mut workspace,
        state: state.clone(),
        seed,
        batch,
        mode: Mode::Train,
        choices: &choices,
    };
    pass.forward(&mut recorder)?;
    let loss = CrossEntropy { batch, classes: network.classes, smoothing: 0.0, mixup: false };
    recorder.push(loss.forward(&logits, &labels, &state, &dlogits, &records));
    pass.backward(&dlogits, &mut recorder)?;
    recorder.finish(gpu)?.run(gpu)?;
    let mut inputs =
        network.nodes.iter().filter(|node| matches!(node.layer, Layer::BatchNorm(_))).map(|node| node.input);
    let ends = [inputs.next(), inputs.next_back()].map(Option::unwrap_or_default);
    let [first, last] = ends.map(|value| -> Result<f64> {
        let stored: Vec<f32> = gpu.read(&workspace.value(&network, value, batch))?;
        Ok(norm(network.real_values(value, &stored).into_iter().map(f64::from)))
    });
    Ok(first? / last?)
}
