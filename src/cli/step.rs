//! `wgrad step`

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::json;
use wgrad::config::{self, RunConfig};
use wgrad::nn::{Mode, Network, Weights};
use wgrad::train::{Checkpoint, StepOutput, build_network, single_step};
use wgrad::{Error, Result};

use super::{Context, activation_help};

/// Where the weights do not tell.
const CLASSES: usize = 10;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeName {
    /// Batch statistics, random numbers
    Train,
    /// Running statistics, expected values
    Eval,
}

#[derive(clap::Args)]
pub(super) struct StepArgs {
    /// Weights and running statistics, by PyTorch's names
    #[arg(long, value_name = "W.safetensors")]
    weights: PathBuf,
    /// `images` (f32, N x 3 x H x W) and `labels` (i64, N)
    #[arg(long, value_name = "B.safetensors")]
    batch: PathBuf,
    /// Gets `logits`, `loss`, `grad.<parameter>` and the running statistics
    #[arg(long, value_name = "O.safetensors")]
    out: PathBuf,
    /// Model [default: resnet56]
    #[arg(long)]
    model: Option<String>,
    /// Activation, for example relu or dropact:retain=0.95; --help lists them [default: relu]
    #[arg(long, value_name = "SPEC", long_help = activation_help())]
    activation: Option<String>,
    /// Training or evaluation form of batch norm and stochastic layers
    #[arg(long, value_enum, default_value = "train")]
    mode: ModeName,
    /// Any setting of a run that concerns the network, for example option=b
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub(super) fn run(context: &Context, args: &StepArgs) -> Result<()> {
    let (images, shape, labels) = read_batch(&args.batch)?;
    let mut flags = toml::Table::new();
    for (key, value) in [("model", &args.model), ("activation", &args.activation)] {
        if let Some(value) = value {
            config::put(&mut flags, key, value.as_str());
        }
    }
    let config = RunConfig::from_layers(None, &args.set, &flags)?;
    let checkpoint = Checkpoint::read(&args.weights)?;
    let build = |classes| build_network(&config, [shape[2], shape[3], shape[1]], classes);
    let usual = build(CLASSES)?;
    let network = match classes(&checkpoint, &usual) {
        CLASSES => usual,
        other => build(other)?,
    };
    checkpoint.check(&args.weights, &network)?;
    let gpu = context.open()?;
    let weights = Weights::new(&gpu, &network, labels.len())?;
    checkpoint.restore_weights(&args.weights, &gpu, &network, &weights)?;
    let mode = match args.mode {
        ModeName::Train => Mode::Train,
        ModeName::Eval => Mode::Eval,
    };
    let output = single_step(&gpu, &network, &weights, &images, &labels, mode, config.seed)?;
    let StepOutput { logits, loss, gradients, statistics } = output;
    let mut tensors = HashMap::from([
        ("logits".to_owned(), (vec![labels.len(), network.classes], logits)),
        ("loss".to_owned(), (vec![1], vec![loss])),
    ]);
    for (parameter, gradient) in network.parameters.iter().zip(gradients) {
        tensors.insert(format!("grad.{}", parameter.name), (parameter.shape.clone(), gradient));
    }
    for (parameter, values) in network.statistics.iter().zip(statistics) {
        tensors.insert(parameter.name.clone(), (parameter.shape.clone(), values));
    }
    Checkpoint { progress: None, tensors }.write(&args.out)?;
    context.output.result(&json!({"loss": loss}), || format!("loss {loss}"))
}

/// How many classes the last matrix of the file tells apart.
fn classes(checkpoint: &Checkpoint, usual: &Network) -> usize {
    let last = usual.parameters.iter().rfind(|parameter| parameter.shape.len() == 2);
    let stored = last.and_then(|parameter| checkpoint.tensors.get(&parameter.name));
    match stored.map(|(shape, _)| shape.as_slice()) {
        Some(&[classes, _]) if classes > 1 => classes,
        _ => CLASSES,
    }
}

/// Images, their shape, and labels.
fn read_batch(path: &Path) -> Result<(Vec<f32>, Vec<usize>, Vec<u32>)> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let fail = |reason: String| Error::data(path, reason);
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| fail(format!("is damaged or no safetensors file ({e})")))?;
    let tensor = |name: &str, dtype: Dtype, rank: usize| {
        let view = file.tensor(name).map_err(|_| fail(format!("has no tensor {name}")))?;
        if view.dtype() != dtype || view.shape().len() != rank {
            let (got, shape) = (view.dtype(), view.shape());
            return Err(fail(format!(
                "tensor {name}: expected {dtype:?} with {rank} sizes, got {got:?} {shape:?}"
            )));
        }
        Ok(view)
    };
    let images = tensor("images", Dtype::F32, 4)?;
    let labels = tensor("labels", Dtype::I64, 1)?;
    let pixels =
        images.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let labels = labels
        .data()
        .chunks_exact(8)
        .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
        .map(|label| u32::try_from(label).map_err(|_| fail(format!("label {label} is no class"))))
        .collect::<Result<_>>()?;
    Ok((pixels, images.shape().to_vec(), labels))
}
