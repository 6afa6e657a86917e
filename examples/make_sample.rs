//! Writes the bundled sample from the CIFAR-10 binary files:
//! `cargo run --release --example make_sample -- CIFAR_FOLDER assets/sample`
//!
//! It reads the records by itself and then compares with the library's reader, so that the SHA-256 that it prints is a check
//! of that reader as well as of the sheets.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use serde::Serialize;
use sha2::{Digest, Sha256};
use wgrad::data::cifar10::{self, CLASSES, NAMES_FILE, PLANE, RECORD, SIDE, TEST_FILE, TRAIN_FILES};
use wgrad::data::sample::{COLUMNS, Labels, TEST_PER_CLASS, TRAIN_PER_CLASS, cut};
use wgrad::data::{Images, Source, load};

/// Written as `provenance.json`.
#[derive(Serialize)]
struct Provenance {
    data_set: &'static str,
    citation: &'static str,
    url: &'static str,
    command: &'static str,
    choice: String,
    /// SHA-256 of the files that were read.
    sources: BTreeMap<String, String>,
    train: Part,
    test: Part,
}

/// One sheet.
#[derive(Serialize)]
struct Part {
    sheet: &'static str,
    /// SHA-256 over the pixels (NHWC), then the labels.
    sha256: String,
    /// Record of each image, counted from 0 through the files in order.
    records: Vec<u32>,
}

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder, out] = arguments.as_slice() else {
        bail!("expected two arguments: the folder with the CIFAR-10 binary files, and the folder to write");
    };
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let full = load(&Source::Folder(folder.clone()))?;
    let mut sources = BTreeMap::new();
    let train_bytes = read(folder, &TRAIN_FILES, &mut sources)?;
    let test_bytes = read(folder, &[TEST_FILE], &mut sources)?;
    if folder.join(NAMES_FILE).exists() {
        read(folder, &[NAMES_FILE], &mut sources)?;
    }
    let (train, train_labels) = part(&train_bytes, TRAIN_PER_CLASS, &full.train, out, "train.png")?;
    let (test, test_labels) = part(&test_bytes, TEST_PER_CLASS, &full.test, out, "test.png")?;
    println!("train: {} images, sha256 {}", train_labels.len(), train.sha256);
    println!("test: {} images, sha256 {}", test_labels.len(), test.sha256);

    let labels = Labels { classes: full.classes, columns: COLUMNS, train: train_labels, test: test_labels };
    write_text(&out.join("labels.json"), &serde_json::to_string(&labels)?)?;
    let provenance = Provenance {
        data_set: "CIFAR-10, binary version",
        citation: "Alex Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, \
                   University of Toronto, 2009",
        url: "https://www.cs.toronto.edu/~kriz/cifar.html",
        command: "cargo run --release --example make_sample -- CIFAR_FOLDER assets/sample",
        choice: format!(
            "the first {TRAIN_PER_CLASS} training and {TEST_PER_CLASS} test images of each class in file order; image i \
             has the class i % {CLASSES}"
        ),
        sources,
        train,
        test,
    };
    write_text(&out.join("provenance.json"), &serde_json::to_string(&provenance)?)
}

/// The files one after the other; notes the SHA-256 of each.
fn read(folder: &Path, names: &[&str], hashes: &mut BTreeMap<String, String>) -> Result<Vec<u8>> {
    let folder = match folder.join(cifar10::ARCHIVE_FOLDER) {
        inner if !folder.join(TEST_FILE).exists() => inner,
        _ => folder.to_path_buf(),
    };
    let mut all = Vec::new();
    for name in names {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        hashes.insert((*name).into(), hex(&bytes));
        all.extend(bytes);
    }
    Ok(all)
}

/// Chooses `per_class` images of each class, writes their sheet and reads it again.
fn part(
    bytes: &[u8],
    per_class: usize,
    reader: &Images,
    out: &Path,
    sheet: &'static str,
) -> Result<(Part, Vec<u8>)> {
    let records = choose(bytes, per_class)?;
    let mut images = Images::empty(SIDE, SIDE);
    for &record in &records {
        let record = &bytes[record as usize * RECORD..][..RECORD];
        images.labels.push(record[0]);
        images.pixels.extend((0..3 * PLANE).map(|i| record[1 + i % 3 * PLANE + i / 3]));
    }
    for (i, &record) in records.iter().enumerate() {
        let same = images.image(i) == reader.image(record as usize)
            && images.labels[i] == reader.labels[record as usize];
        ensure!(same, "the library reads record {record} otherwise");
    }
    let path = out.join(sheet);
    write_sheet(&path, &images)?;
    let again = cut(sheet, &fs::read(&path)?, images.labels.clone(), COLUMNS)?;
    ensure!(again == images, "{} does not give back its images", path.display());
    let sha256 = hex(&[images.pixels.as_slice(), images.labels.as_slice()].concat());
    Ok((Part { sheet, sha256, records }, images.labels))
}

/// Record numbers such that image `i` is the `i / 10`th of class `i % 10`.
fn choose(bytes: &[u8], per_class: usize) -> Result<Vec<u32>> {
    let mut of_class: [Vec<u32>; CLASSES] = Default::default();
    for (i, record) in bytes.chunks_exact(RECORD).enumerate() {
        of_class[record[0] as usize].push(i as u32);
    }
    for (class, records) in of_class.iter().enumerate() {
        ensure!(
            records.len() >= per_class,
            "class {class} has {} images, {per_class} are needed",
            records.len()
        );
    }
    Ok((0..per_class * CLASSES).map(|i| of_class[i % CLASSES][i / CLASSES]).collect())
}

fn write_sheet(path: &Path, images: &Images) -> Result<()> {
    let (side, columns) = (SIDE as usize, COLUMNS as usize);
    let rows = images.len().div_ceil(columns);
    let mut sheet = vec![0; columns * rows * images.image_bytes()];
    for i in 0..images.len() {
        for (y, line) in images.image(i).chunks_exact(3 * side).enumerate() {
            let start = ((i / columns * side + y) * columns + i % columns) * 3 * side;
            sheet[start..start + line.len()].copy_from_slice(line);
        }
    }
    let file =
        BufWriter::new(File::create(path).with_context(|| format!("cannot create {}", path.display()))?);
    PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive).write_image(
        &sheet,
        COLUMNS * SIDE,
        rows as u32 * SIDE,
        ExtendedColorType::Rgb8,
    )?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    fs::write(path, format!("{text}\n")).with_context(|| format!("cannot write {}", path.display()))
}
