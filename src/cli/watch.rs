//! Training under watch: the progress that is shown, what a run leaves for TensorBoard, and the report at its end.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use wgrad::Result;
use wgrad::data::Dataset;
use wgrad::interop::tensorboard::{EventFile, confusion_image, sheet};
use wgrad::train::{EpochMetrics, Evaluation, Observer, Run, StepReport, Summary};

use super::output::Output;
use super::page;
use super::progress::Progress;

/// Images of the sheet of samples, and of a row of it.
const SAMPLES: (usize, usize) = (40, 10);

/// Shows the run's progress, and writes its events where they are wanted. A failure of theirs ends them, not the run.
struct Watch {
    progress: Progress,
    events: Option<EventFile>,
    step: u64,
}

impl Watch {
    /// Events go to `folder`, where one is given.
    fn new(progress: Progress, folder: Option<&Path>, dataset: &Dataset) -> Result<Self> {
        let events = folder.map(EventFile::create).transpose()?;
        let mut watch = Self { progress, events, step: 0 };
        let images = &dataset.train;
        let (width, pixels) =
            sheet(SAMPLES.0.min(images.len()), SAMPLES.1, images.width as usize, |i| images.image(i));
        watch.write(|events| events.image(0, "images/train", width, pixels));
        Ok(watch)
    }

    fn write(&mut self, what: impl FnOnce(&mut EventFile) -> Result<()>) {
        let Some(events) = &mut self.events else { return };
        if let Err(error) = what(events) {
            tracing::warn!("no more events for TensorBoard: {error}");
            self.events = None;
        }
    }
}

/// Trains a run to its end and writes its report; shows how far it is, and writes events where the run wants them.
pub(super) fn train(run: &mut Run, dataset: &Dataset, output: Output, stop: &AtomicBool) -> Result<Summary> {
    let events = run.config().tensorboard.then(|| run.folder().tensorboard());
    let mut watch = Watch::new(Progress::new(output), events.as_deref(), dataset)?;
    let done = run.train(&mut watch, stop);
    watch.progress.finish();
    let summary = done?;
    page::write(run, &summary, dataset)?;
    Ok(summary)
}

impl Observer for Watch {
    fn step(&mut self, report: &StepReport) {
        self.progress.step(report);
    }

    fn epoch(&mut self, m: &EpochMetrics) {
        self.progress.epoch(m);
        self.step = m.step;
        let mut values = vec![
            ("loss/train", m.train_loss),
            ("accuracy/train", m.train_accuracy),
            ("lr", m.lr),
            ("images_per_second", m.images_per_second),
        ];
        values.extend(m.val_loss.map(|loss| ("loss/val", loss)));
        values.extend(m.val_accuracy.map(|accuracy| ("accuracy/val", accuracy)));
        self.write(|events| events.scalars(m.step, &values));
    }

    fn tested(&mut self, test: &Evaluation) {
        let step = self.step;
        let (width, pixels) = confusion_image(&test.confusion);
        self.write(|events| {
            events.scalars(step, &[("loss/test", test.loss), ("accuracy/test", test.accuracy)])?;
            events.image(step, "confusion/test", width, pixels)
        });
    }
}
