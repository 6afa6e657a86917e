//! The loss of mixed precision over that of f32: ResNet-8 learns 64 real images, both ways, from the same seeds; a step is an
//! epoch. `cargo run --release --example mixed [STEPS]`, on a device with cooperative matrices.

use std::sync::atomic::AtomicBool;

use wgrad::config::RunConfig;
use wgrad::data::{Dataset, Source, load};
use wgrad::gpu::{Gpu, Limits, Selection};
use wgrad::train::{EpochMetrics, Observer, Run};

const IMAGES: usize = 64;
const SEEDS: [u32; 3] = [0, 1, 2];

/// The loss of each step.
struct Losses(Vec<f64>);

impl Observer for Losses {
    fn epoch(&mut self, metrics: &EpochMetrics) {
        self.0.push(metrics.train_loss);
    }
}

fn losses(gpu: &Gpu, dataset: &Dataset, precision: &str, seed: u32, steps: u32) -> anyhow::Result<Vec<f64>> {
    let sets = [
        "model=resnet8".to_owned(),
        format!("precision={precision}"),
        format!("seed={seed}"),
        format!("batch={IMAGES}"),
        format!("epochs={steps}"),
        "data.split=head".to_owned(),
        format!("data.train_count={IMAGES}"),
        "augment.pad=0".to_owned(),
        "augment.flip=false".to_owned(),
        "optimizer.lr=0.05".to_owned(),
        "schedule.kind=constant".to_owned(),
    ];
    let config = RunConfig::from_layers(None, &sets, &toml::Table::new())?;
    let folder = tempfile::tempdir()?;
    let mut watch = Losses(Vec::new());
    Run::create(gpu, config, dataset, &folder.path().join("run"))?
        .train(&mut watch, &AtomicBool::new(false))?;
    Ok(watch.0)
}

/// Mean distance of two curves.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len() as f64
}

fn main() -> anyhow::Result<()> {
    let steps = std::env::args().nth(1).map_or(Ok(25), |text| text.parse())?;
    let gpu = Gpu::open(&Selection::default(), Limits::Adapter)?;
    println!("device: {}", gpu.description());
    let mut dataset = load(&Source::Sample)?;
    for (images, count) in [(&mut dataset.train, IMAGES + 10), (&mut dataset.test, 10)] {
        images.pixels.truncate(count * images.image_bytes());
        images.labels.truncate(count);
    }
    let mut curves = Vec::new();
    for seed in SEEDS {
        let both =
            [losses(&gpu, &dataset, "f32", seed, steps)?, losses(&gpu, &dataset, "mixed", seed, steps)?];
        println!("\nseed {seed}\nstep      f32    mixed");
        for (step, (exact, mixed)) in both[0].iter().zip(&both[1]).enumerate() {
            println!("{:>4} {exact:>8.5} {mixed:>8.5}", step + 1);
        }
        println!("mean distance of mixed from f32: {:.5}", distance(&both[0], &both[1]));
        curves.push(both);
    }
    let between = distance(&curves[0][0], &curves[1][0])
        .min(distance(&curves[0][0], &curves[2][0]))
        .min(distance(&curves[1][0], &curves[2][0]));
    println!("\nleast mean distance of two seeds in f32: {between:.5}");
    Ok(())
}
