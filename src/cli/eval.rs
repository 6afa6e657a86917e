//! `wgrad eval`

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use wgrad::Result;
use wgrad::train::{Checkpoint, Evaluation, MonteCarlo, TrainedImages, TrainedNetwork};

use super::Context;
use super::source::{SourceArgs, Trained};

/// Which images are evaluated.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitName {
    /// Training images that the run learned from.
    Train,
    /// Training images that it was judged by.
    Val,
    /// Test images.
    Test,
}

#[derive(clap::Args)]
pub(super) struct EvalArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Data: `sample`, `cifar10`, `cifar100` or a folder [default: the run's own]
    #[arg(long, value_name = "NAME|DIR")]
    data: Option<String>,
    /// Which images
    #[arg(long, value_enum, default_value = "test")]
    split: SplitName,
    /// Average the softmax of so many passes with the network's noise at work, 1 to 10,000; adds the entropy of each image's
    /// mean and the mutual information of answer and noise
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    mc_samples: Option<u32>,
    /// Average the logits of views of each image: itself and its mirror image, with flip_translate also moved by a pixel
    /// [default: the run's own, evaluate.tta]
    #[arg(long, value_name = "VIEWS", value_parser = ["none", "flip", "flip_translate"], conflicts_with = "mc_samples")]
    tta: Option<String>,
    /// Also write the logits (N x classes, f32) and labels to this file
    #[arg(long, value_name = "FILE.safetensors")]
    logits: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &EvalArgs) -> Result<()> {
    let mut trained = Trained::open(&args.source)?;
    if let Some(tta) = &args.tta {
        trained.config = trained.config.with(&[format!("evaluate.tta={tta}")], &toml::Table::new())?;
    }
    let dataset = trained.dataset(args.data.as_deref())?;
    let gpu = context.open()?;
    let input = [dataset.test.height as usize, dataset.test.width as usize, 3];
    let (network, weights) = trained.build(&gpu, input, dataset.classes.len())?;
    let which = match args.split {
        SplitName::Train => TrainedImages::Train,
        SplitName::Val => TrainedImages::Validation,
        SplitName::Test => TrainedImages::Test,
    };
    let choices = trained.choices(&gpu)?;
    let own = trained.on(&gpu, &network, &weights, &choices);
    if let Some(samples) = args.mc_samples {
        let network = network.clone().with_noise_in_evaluation()?;
        let own = TrainedNetwork { network: &network, ..own };
        let (logits, labels) = which.samples(&own, &dataset, samples)?;
        let result = MonteCarlo::of(&logits, &labels, network.classes);
        if let Some(path) = &args.logits {
            write_samples(path, &result, &labels, network.classes)?;
        }
        return context.output.result(&result, || {
            let MonteCarlo { mean_entropy, mean_mutual_information, .. } = result;
            let line = format!(
                "{samples} passes; means over images: entropy {mean_entropy:.4}, mutual information \
                 {mean_mutual_information:.4} nats"
            );
            format!("{}\n\n{line}", table(&result.evaluation, &dataset.classes))
        });
    }
    let (logits, labels) = which.logits(&own, &dataset)?;
    let evaluation = Evaluation::of(&logits, &labels, network.classes);
    if let Some(path) = &args.logits {
        let labels: Vec<f32> = labels.iter().map(|&label| f32::from(label)).collect();
        let tensors = HashMap::from([
            ("logits".to_owned(), (vec![labels.len(), network.classes], logits)),
            ("labels".to_owned(), (vec![labels.len()], labels)),
        ]);
        Checkpoint { progress: None, tensors }.write(path)?;
    }
    context.output.result(&evaluation, || table(&evaluation, &dataset.classes))
}

/// `probabilities` (N x classes), `entropy` and `mutual_information` (N) of each image, and the labels.
fn write_samples(path: &Path, result: &MonteCarlo, labels: &[u8], classes: usize) -> Result<()> {
    let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
    let count = labels.len();
    let tensors = HashMap::from([
        ("probabilities".to_owned(), (vec![count, classes], result.probabilities.clone())),
        ("entropy".to_owned(), (vec![count], narrow(&result.entropy))),
        ("mutual_information".to_owned(), (vec![count], narrow(&result.mutual_information))),
        ("labels".to_owned(), (vec![count], labels.iter().map(|&label| f32::from(label)).collect())),
    ]);
    Checkpoint { progress: None, tensors }.write(path)
}

fn table(evaluation: &Evaluation, classes: &[String]) -> String {
    let mut text = format!(
        "accuracy {:.2} %, loss {:.4}, {} images\n\nrows: label, columns: answer\n{:>12}",
        100.0 * evaluation.accuracy,
        evaluation.loss,
        evaluation.count,
        ""
    );
    for class in classes {
        text += &format!(" {:>6.6}", class);
    }
    for (class, row) in classes.iter().zip(&evaluation.confusion) {
        text += &format!("\n{class:>12.12}");
        for count in row {
            text += &format!(" {count:>6}");
        }
    }
    text
}
