//! `wgrad eval`

use std::collections::HashMap;
use std::path::PathBuf;

use clap::ValueEnum;
use wgrad::Result;
use wgrad::train::{Checkpoint, Evaluation, TrainedImages};

use super::Context;
use super::source::Trained;

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
    /// Run folder (its best checkpoint) or checkpoint file
    run: PathBuf,
    /// Data: a folder with CIFAR-10's binary files, or `sample` [default: the run's own]
    #[arg(long, value_name = "DIR|sample")]
    data: Option<String>,
    /// Which images
    #[arg(long, value_enum, default_value = "test")]
    split: SplitName,
    /// Model, for checkpoints that wgrad did not write
    #[arg(long)]
    model: Option<String>,
    /// Activation, for checkpoints that wgrad did not write
    #[arg(long, value_name = "SPEC")]
    activation: Option<String>,
    /// Also write the logits (N x classes, f32) and labels to this file
    #[arg(long, value_name = "FILE.safetensors")]
    logits: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &EvalArgs) -> Result<()> {
    let trained = Trained::open(&args.run, args.model.as_deref(), args.activation.as_deref())?;
    let dataset = trained.dataset(args.data.as_deref())?;
    let gpu = context.open()?;
    let input = [dataset.test.height as usize, dataset.test.width as usize, 3];
    let (network, weights) = trained.build(&gpu, input, dataset.classes.len())?;
    let which = match args.split {
        SplitName::Train => TrainedImages::Train,
        SplitName::Val => TrainedImages::Validation,
        SplitName::Test => TrainedImages::Test,
    };
    let (logits, labels) = which.logits(&gpu, &trained.config, &network, &weights, &dataset)?;
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
