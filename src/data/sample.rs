//! The bundled sample: 2,000 training and 1,000 test images of CIFAR-10, the first 200 (100) of each class in file order.
//!
//! They are inside the program, as two lossless PNG sheets in reading order with a list of labels. Image `i` has the class
//! `i % 10`, so that every run of ten images has each class once. `examples/make_sample.rs` writes the files.

use std::path::{Path, PathBuf};

use image::ImageFormat;
use serde::{Deserialize, Serialize};

use super::cifar10::{CLASSES, SIDE};
use super::{Dataset, Images};
use crate::{Error, Result};

/// Training images of each class.
pub const TRAIN_PER_CLASS: usize = 200;
/// Test images of each class.
pub const TEST_PER_CLASS: usize = 100;
/// Images in a row of a sheet.
pub const COLUMNS: u32 = 50;

const TRAIN_SHEET: &[u8] = include_bytes!("../../assets/sample/train.png");
const TEST_SHEET: &[u8] = include_bytes!("../../assets/sample/test.png");
const LABELS: &str = include_str!("../../assets/sample/labels.json");

/// What `labels.json` says about the sheets beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Class names, in the order of the labels.
    pub classes: Vec<String>,
    /// Images in a row of a sheet.
    pub columns: u32,
    /// Labels of the training sheet's images: left to right, then down.
    pub train: Vec<u8>,
    /// Labels of the test sheet's images, likewise.
    pub test: Vec<u8>,
}

/// Decodes the sample. [`Error::Data`] means that the program was built from damaged files.
pub fn load() -> Result<Dataset> {
    let labels: Labels = serde_json::from_str(LABELS).map_err(|e| damaged("labels.json", e.to_string()))?;
    if labels.classes.len() != CLASSES {
        return Err(damaged("labels.json", format!("{} classes instead of {CLASSES}", labels.classes.len())));
    }
    let train = cut("train.png", TRAIN_SHEET, labels.train, labels.columns)?;
    let test = cut("test.png", TEST_SHEET, labels.test, labels.columns)?;
    Ok(Dataset { name: "sample".into(), classes: labels.classes, train, test })
}

/// Cuts a sheet of 32 x 32 images, `columns` in a row, into images in reading order, one for each label.
/// `file` is the sheet's name for the error: not a PNG, the wrong size, or a label above 9.
pub fn cut(file: &str, png: &[u8], labels: Vec<u8>, columns: u32) -> Result<Images> {
    let decoded = image::load_from_memory_with_format(png, ImageFormat::Png);
    let sheet = decoded.map_err(|e| damaged(file, e.to_string()))?.into_rgb8();
    if let Some(label) = labels.iter().find(|&&label| label as usize >= CLASSES) {
        return Err(damaged(file, format!("label {label}, expected 0 to 9")));
    }
    let rows = (labels.len() as u64).div_ceil(u64::from(columns.max(1)));
    let expected = (u64::from(columns) * u64::from(SIDE), rows * u64::from(SIDE));
    let got = (u64::from(sheet.width()), u64::from(sheet.height()));
    if got != expected {
        let reason =
            format!("the sheet has {} x {} pixels, expected {} x {}", got.0, got.1, expected.0, expected.1);
        return Err(damaged(file, reason));
    }
    let (columns, line) = (columns as usize, SIDE as usize * 3);
    let stride = columns * line;
    let mut images = Images::empty(SIDE, SIDE);
    images.pixels.reserve_exact(labels.len() * images.image_bytes());
    for i in 0..labels.len() {
        for y in 0..SIDE as usize {
            let start = (i / columns * SIDE as usize + y) * stride + i % columns * line;
            images.pixels.extend_from_slice(&sheet.as_raw()[start..start + line]);
        }
    }
    images.labels = labels;
    Ok(images)
}

fn damaged(file: &str, reason: String) -> Error {
    let path: PathBuf = Path::new("assets/sample").join(file);
    Error::data(path, format!("{reason}; restore the file and build the program again"))
}
