//! `wgrad predict`

use std::path::PathBuf;

use serde::Serialize;
use wgrad::Result;
use wgrad::data::{Dataset, Images, image_file};
use wgrad::train::{TrainedNetwork, logits_of};

use super::Context;
use super::source::{SourceArgs, Trained};

#[derive(clap::Args)]
pub(super) struct PredictArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Image files: PNG, JPEG, WebP or BMP of any size
    #[arg(required = true)]
    images: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    file: String,
    top: Vec<Class>,
}

#[derive(Serialize)]
struct Class {
    class: String,
    p: f64,
}

pub(super) fn run(context: &Context, args: &PredictArgs) -> Result<()> {
    let trained = Trained::open(&args.source)?;
    let dataset = trained.dataset(None)?;
    let side = dataset.test.height;
    let mut images = Images::empty(side, side);
    for path in &args.images {
        images.pixels.extend(image_file::read_sized(path, side)?);
        images.labels.push(0);
    }
    let gpu = context.open()?;
    let (network, weights) = trained.build(&gpu, [side as usize, side as usize, 3], dataset.classes.len())?;
    let choices = trained.choices(&gpu)?;
    let own = TrainedNetwork {
        gpu: &gpu,
        config: &trained.config,
        network: &network,
        weights: &weights,
        choices: &choices,
    };
    let logits = logits_of(&own, &dataset, &images)?;
    let answers: Vec<Answer> = args
        .images
        .iter()
        .zip(logits.chunks_exact(network.classes))
        .map(|(path, row)| Answer { file: path.display().to_string(), top: ranked(row, &dataset) })
        .collect();
    context.output.result(&answers, || answers.iter().map(describe).collect::<Vec<_>>().join("\n\n"))
}

/// Softmax, most likely first.
fn ranked(logits: &[f32], dataset: &Dataset) -> Vec<Class> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&z| f64::from(z - highest).exp()).collect();
    let total: f64 = powers.iter().sum();
    let mut classes: Vec<Class> = dataset
        .classes
        .iter()
        .zip(&powers)
        .map(|(class, power)| Class { class: class.clone(), p: power / total })
        .collect();
    classes.sort_by(|a, b| b.p.total_cmp(&a.p));
    classes
}

fn describe(answer: &Answer) -> String {
    let bars = answer.top.iter().take(5).map(|class| {
        let bar = "█".repeat((class.p * 30.0).round() as usize);
        format!("  {:<12} {:>5.1} %  {bar}", class.class, 100.0 * class.p)
    });
    std::iter::once(answer.file.clone()).chain(bars).collect::<Vec<_>>().join("\n")
}
