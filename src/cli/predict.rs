//! `wgrad predict`

use std::io::Cursor;
use std::path::PathBuf;

use image::{ImageFormat, RgbImage};
use serde::Serialize;
use wgrad::data::{Dataset, Images, image_file};
use wgrad::report::{Contact, contact_sheet};
use wgrad::train::logits_of;
use wgrad::{Error, Result};

use super::Context;
use super::source::{SourceArgs, Trained};

#[derive(clap::Args)]
pub(super) struct PredictArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Image files: PNG, JPEG, WebP or BMP of any size
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// Also draw the images as the network sees them, with its answers
    #[arg(long, value_name = "FILE.svg")]
    sheet: Option<PathBuf>,
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
    let own = trained.on(&gpu, &network, &weights, &choices);
    let logits = logits_of(&own, &dataset, &images)?;
    let answers: Vec<Answer> = args
        .images
        .iter()
        .zip(logits.chunks_exact(network.classes))
        .map(|(path, row)| Answer { file: path.display().to_string(), top: ranked(row, &dataset) })
        .collect();
    if let Some(path) = &args.sheet {
        let contacts: Vec<Contact> =
            answers.iter().enumerate().map(|(i, answer)| contact(answer, &images, i)).collect();
        std::fs::write(path, contact_sheet(&contacts)).map_err(Error::io("write", path))?;
        context.output.note(format!("contact sheet: {}", path.display()));
    }
    context.output.result(&answers, || answers.iter().map(describe).collect::<Vec<_>>().join("\n\n"))
}

/// Image `i` with its answer.
fn contact(answer: &Answer, images: &Images, i: usize) -> Contact {
    let mut png = Cursor::new(Vec::new());
    let pixels = images.image(i).to_vec();
    if let Some(image) = RgbImage::from_raw(images.width, images.height, pixels) {
        // Writing to memory cannot fail.
        let _ = image.write_to(&mut png, ImageFormat::Png);
    }
    let answers = answer.top.iter().map(|class| (class.class.clone(), class.p)).collect();
    Contact { title: answer.file.clone(), png: png.into_inner(), answers }
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
