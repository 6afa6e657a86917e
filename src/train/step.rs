//! One forward and backward pass on given images: for comparison with other frameworks.

use crate::gpu::{Gpu, Recorder};
use crate::kernels::conv::Choices;
use crate::kernels::loss::CrossEntropy;
use crate::kernels::optimizer::State;
use crate::kernels::{groups_of_four, pack_planes};
use crate::nn::{Mode, Network, Pass, Weights, Workspace};
use crate::{Error, Result};

/// What a single step gives, in PyTorch's shapes.
pub struct StepOutput {
    /// N x classes.
    pub logits: Vec<f32>,
    /// Mean cross-entropy.
    pub loss: f32,
    /// Gradient of each parameter, in the network's order.
    pub gradients: Vec<Vec<f32>>,
    /// Running statistics after the step, in the network's order.
    pub statistics: Vec<Vec<f32>>,
}

/// Runs the network once, forward and backward, on `images` (N,C,H,W as in PyTorch) with these labels. Nothing is updated
/// but the running statistics in training mode.
///
/// # Errors
/// A wrong number of values, a label that is no class, or a lost device.
pub fn single_step(
    gpu: &Gpu,
    network: &Network,
    weights: &Weights,
    images: &[f32],
    labels: &[u32],
    mode: Mode,
    seed: u32,
) -> Result<StepOutput> {
    let batch = labels.len();
    let [height, width, channels] = network.input;
    if batch == 0 || images.len() != batch * height * width * channels {
        let want = [batch, channels, height, width];
        return Err(Error::usage(format!("images: expected {want:?}, got {} values", images.len())));
    }
    if let Some(label) = labels.iter().find(|&&label| label as usize >= network.classes) {
        return Err(Error::usage(format!(
            "labels: {label} is no class, expected 0..={}",
            network.classes - 1
        )));
    }
    let mut workspace = Workspace::new(gpu, network, batch, batch, false)?;
    let state = gpu.upload("state", &[State::default()])?.view();
    let labels = gpu.upload("labels", labels)?.view();
    let records = gpu.buffer("records", 2)?.view();
    let logits = workspace.value(network, network.logits(), batch);
    let dlogits = gpu.buffer("dlogits", logits.len_words())?.view();
    gpu.write(&workspace.value(network, 0, batch), &to_planes(images, batch, network.input))?;
    let mut recorder = Recorder::new();
    let choices = Choices::of_device(gpu);
    let mut pass = Pass {
        gpu,
        network,
        weights,
        workspace: &mut workspace,
        state: state.clone(),
        seed,
        batch,
        mode,
        choices: &choices,
    };
    pass.forward(&mut recorder)?;
    let loss = CrossEntropy { batch, classes: network.classes, smoothing: 0.0, mixup: false };
    recorder.push(loss.forward(&logits, &labels, &state, &dlogits, &records));
    pass.backward(&dlogits, &mut recorder)?;
    recorder.finish(gpu)?.run(gpu)?;
    let stored: Vec<f32> = gpu.read(&logits)?;
    let width = groups_of_four(network.classes) * 4;
    let record: Vec<f32> = gpu.read(&records)?;
    Ok(StepOutput {
        logits: stored.chunks_exact(width).flat_map(|row| &row[..network.classes]).copied().collect(),
        loss: record[0] / batch as f32,
        gradients: weights.get(gpu, &weights.gradient, &network.parameters)?,
        statistics: weights.get(gpu, &weights.statistics, &network.statistics)?,
    })
}

/// From PyTorch's N,C,H,W to the device's planes.
fn to_planes(images: &[f32], batch: usize, [height, width, channels]: [usize; 3]) -> Vec<f32> {
    let pixels = height * width;
    let at = |i: usize| ((i / channels / pixels) * channels + i % channels) * pixels + i / channels % pixels;
    let rows: Vec<f32> = (0..batch * pixels * channels).map(|i| images[at(i)]).collect();
    pack_planes(&rows, pixels, channels)
}
