//! `wgrad export`

use std::path::{Path, PathBuf};

use serde_json::json;
use wgrad::config::{Normalization, RunConfig};
use wgrad::interop::onnx;
use wgrad::nn::Parameter;
use wgrad::train::write_whole;
use wgrad::{Error, Result};

use super::Context;
use super::source::{SourceArgs, Trained};

#[derive(clap::Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The file to write: .safetensors (weights by PyTorch's names) or .onnx (the network in its form of evaluation)
    #[arg(long, value_name = "FILE.safetensors|.onnx")]
    to: PathBuf,
}

enum Format {
    Safetensors,
    Onnx,
}

fn format_of(path: &Path) -> Result<Format> {
    match path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).as_deref() {
        Some("safetensors") => Ok(Format::Safetensors),
        Some("onnx") => Ok(Format::Onnx),
        _ => {
            let path = path.display();
            Err(Error::usage(format!("--to {path}: the name must end in .safetensors or .onnx")))
        }
    }
}

pub(super) fn run(context: &Context, args: &ExportArgs) -> Result<()> {
    let format = format_of(&args.to)?;
    let trained = Trained::open(&args.source)?;
    let network = trained.network()?;
    let format = match format {
        Format::Safetensors => {
            trained.checkpoint.weights_only(&trained.path, &network)?.write(&args.to)?;
            "safetensors".to_owned()
        }
        Format::Onnx => {
            let tensors =
                |parameter: &Parameter| trained.checkpoint.values(&trained.path, &network.name, parameter);
            let bytes = onnx::export(&network, &tensors, &remarks(&trained))?;
            write_whole(&args.to, &bytes)?;
            format!("ONNX, opset {}", onnx::OPSET)
        }
    };
    let (to, from) = (args.to.display().to_string(), trained.path.display().to_string());
    let row = json!({"file": to, "from": from, "format": format, "parameters": network.parameter_count()});
    context.output.result(&row, || {
        let (name, count) = (&network.name, network.parameter_count());
        format!("{to}: {name} with {count} parameters, {format}, from {from}")
    })
}

/// What a user of the ONNX file must know besides the graph.
fn remarks(trained: &Trained) -> Vec<(&'static str, String)> {
    let config = &trained.config;
    let mut remarks = vec![
        ("model", config.model.clone()),
        ("activation", config.activation.clone()),
        ("normalization", normalization(config)),
    ];
    let classes = trained.checkpoint.progress.as_ref().map(|progress| progress.classes.join(","));
    remarks.extend(classes.filter(|names| !names.is_empty()).map(|names| ("classes", names)));
    remarks
}

fn normalization(config: &RunConfig) -> String {
    match (config.augment.normalization, config.augment.mean, config.augment.std) {
        (Normalization::PerImage, ..) => {
            "per image: pixels as 0..1, minus their mean, by their population standard deviation + 1e-7"
                .into()
        }
        (Normalization::PerChannel, Some(mean), Some(std)) => {
            format!("per channel: pixels as 0..1, minus {mean:?}, by {std:?}")
        }
        (Normalization::PerChannel, ..) => {
            "per channel: pixels as 0..1, minus the training images' mean, by their standard deviation".into()
        }
        (Normalization::PerImageAdjusted, ..) => {
            "per image: pixels as 0..255, minus their mean, by max(their population standard deviation, 1/sqrt(values))".into()
        }
        (Normalization::PerPixel, ..) => {
            "per pixel and channel: minus the training images' mean, by their standard deviation".into()
        }
        (Normalization::PerPixelMean, ..) => {
            "per pixel and channel: pixels as 0..1, minus the training images' mean".into()
        }
        (Normalization::Scaled, ..) => "pixels as 0..1".into(),
        (Normalization::Raw, ..) => "pixels as 0..255".into(),
    }
}
