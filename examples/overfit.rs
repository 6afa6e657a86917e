//! Learns 64 real images by heart with ResNet-20: how many steps until all are right in a training step, for each
//! activation. `cargo run --release --example overfit [SPEC...]`

use std::sync::atomic::{AtomicBool, Ordering};

use wgrad::config::RunConfig;
use wgrad::data::{Source, load};
use wgrad::gpu::{Gpu, Limits, Selection};
use wgrad::train::{EpochMetrics, Observer, Run};

const IMAGES: usize = 64;
const MOST_STEPS: u32 = 200;

/// Stops the run once all images are right; an epoch is one step here.
struct Watch<'a> {
    stop: &'a AtomicBool,
    last: Option<EpochMetrics>,
}

impl Observer for Watch<'_> {
    fn epoch(&mut self, metrics: &EpochMetrics) {
        self.stop.store(metrics.train_accuracy >= 1.0, Ordering::Relaxed);
        self.last = Some(metrics.clone());
    }
}

fn main() -> anyhow::Result<()> {
    let gpu = Gpu::open(&Selection::default(), Limits::Adapter)?;
    println!("device: {}", gpu.description());
    let mut dataset = load(&Source::Sample)?;
    dataset.train.pixels.truncate((IMAGES + 10) * dataset.train.image_bytes());
    dataset.train.labels.truncate(IMAGES + 10);
    let mut specs: Vec<String> = std::env::args().skip(1).collect();
    if specs.is_empty() {
        specs = ["relu", "dropact", "rrelu"].map(str::to_owned).to_vec();
    }
    for spec in specs {
        let sets = [
            "model=resnet20".to_owned(),
            format!("activation={spec}"),
            format!("batch={IMAGES}"),
            format!("epochs={MOST_STEPS}"),
            "data.split=head".to_owned(),
            format!("data.train_count={IMAGES}"),
            "augment.pad=0".to_owned(),
            "augment.flip=false".to_owned(),
            "optimizer.weight_decay=0".to_owned(),
            "optimizer.lr=0.05".to_owned(),
            "schedule.kind=constant".to_owned(),
        ];
        let config = RunConfig::from_layers(None, &sets, &toml::Table::new())?;
        let folder = tempfile::tempdir()?;
        let stop = AtomicBool::new(false);
        let mut watch = Watch { stop: &stop, last: None };
        let ended = Run::create(&gpu, config, &dataset, &folder.path().join("run"))?.train(&mut watch, &stop);
        match (ended, watch.last) {
            (Ok(_) | Err(wgrad::Error::Interrupted(_)), Some(last)) => println!(
                "{spec}: {:.1} % of {IMAGES} images after {} steps, loss {:.4}",
                100.0 * last.train_accuracy,
                last.step,
                last.train_loss
            ),
            (ended, _) => println!("{spec}: {:?}", ended.err()),
        }
    }
    Ok(())
}
