//! The report of a finished run.

use wgrad::Result;
use wgrad::data::{Dataset, image_file};
use wgrad::nn::Network;
use wgrad::report::{self, Details, Filters, Mistake};
use wgrad::train::{Checkpoint, Evaluation, Run, Summary, metrics};

/// Mistakes that are shown.
const MISTAKES: usize = 24;

/// Writes `curves.svg` and `report.html` of a run that has just ended.
///
/// # Errors
/// A file that cannot be read or written.
pub(super) fn write(run: &Run, summary: &Summary, dataset: &Dataset) -> Result<()> {
    let (folder, config) = (run.folder(), run.config());
    let classes = run.network().classes;
    let logits = run.test_logits();
    let evaluation = Evaluation::of(logits, &dataset.test.labels, classes);
    let checkpoint = Checkpoint::read(&folder.best())?;
    let details = Details {
        classes: dataset.classes.clone(),
        confusion: evaluation.confusion,
        mistakes: mistakes(logits, dataset, classes)?,
        filters: filters(&checkpoint),
        sparsity: sparsity(run.network(), &checkpoint),
    };
    let epochs = metrics::read(&folder.metrics())?;
    report::write_detailed(folder.root(), &epochs, summary, &config.to_toml(), &details)
}

/// The wrong answers of the highest probability.
fn mistakes(logits: &[f32], dataset: &Dataset, classes: usize) -> Result<Vec<Mistake>> {
    let test = &dataset.test;
    let mut wrong: Vec<(f64, f64, usize, usize)> = Vec::new();
    for (image, row) in logits.chunks_exact(classes).enumerate() {
        let label = usize::from(test.labels[image]);
        let answer = (0..classes).fold(0, |best, k| if row[k] > row[best] { k } else { best });
        if answer != label {
            let power = |k: usize| f64::from(row[k] - row[answer]).exp();
            let total: f64 = (0..classes).map(power).sum();
            wrong.push((1.0 / total, power(label) / total, image, answer));
        }
    }
    wrong.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    let shown = wrong.into_iter().take(MISTAKES);
    shown
        .map(|(p, p_label, image, answer)| {
            let png = image_file::png(test.image(image), test.width, test.height)?;
            Ok(Mistake { image, label: usize::from(test.labels[image]), answer, p, p_label, png })
        })
        .collect()
}

/// Zeros of each kernel; nothing where none has any.
fn sparsity(network: &Network, checkpoint: &Checkpoint) -> Vec<(String, usize, usize)> {
    let kernels = network.parameters.iter().filter(|parameter| parameter.role.is_kernel());
    let rows: Vec<_> = kernels
        .filter_map(|parameter| {
            let values = &checkpoint.tensors.get(&parameter.name)?.1;
            let zeros = values.iter().filter(|value| **value == 0.0).count();
            Some((parameter.name.clone(), zeros, values.len()))
        })
        .collect();
    if rows.iter().any(|row| row.1 > 0) { rows } else { Vec::new() }
}

/// The filters of `conv1`, where the network begins with a convolution of the image.
fn filters(checkpoint: &Checkpoint) -> Option<Filters> {
    let (shape, values) = checkpoint.tensors.get("conv1.weight")?;
    match shape.as_slice() {
        [_, 3, height, width] if height == width => Some(Filters { size: *height, values: values.clone() }),
        _ => None,
    }
}
