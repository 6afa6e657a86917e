//! The CIFAR-10 binary format (<https://www.cs.toronto.edu/~kriz/cifar.html>, "Binary version").
//!
//! A file is a sequence of 3,073-byte records: one label byte (0..=9), then 1,024 red, 1,024 green and 1,024 blue bytes,
//! each plane row by row. The standard files have 10,000 records; fewer are accepted, so that small sets can be made.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Dataset, Images};
use crate::{Error, Result};

/// Height and width of an image in pixels.
pub const SIDE: u32 = 32;
/// Number of classes.
pub const CLASSES: usize = 10;
/// Pixels of one plane.
pub const PLANE: usize = (SIDE * SIDE) as usize;
/// Bytes of one record: the label and three planes.
pub const RECORD: usize = 1 + 3 * PLANE;
/// The most records of one file, the number in each standard file.
pub const RECORDS_PER_FILE: usize = 10_000;
/// The files with the training images, in order.
pub const TRAIN_FILES: [&str; 5] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];
/// The file with the test images.
pub const TEST_FILE: &str = "test_batch.bin";
/// The file with one class name a line; the standard names are used where it is absent.
pub const NAMES_FILE: &str = "batches.meta.txt";
/// The folder inside the published archive.
pub const ARCHIVE_FOLDER: &str = "cifar-10-batches-bin";
/// The standard class names, in the order of the labels.
pub const CLASS_NAMES: [&str; CLASSES] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

const CONTENTS: &str = "expected a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin (unpack \
                        https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz), or `sample` for the bundled images";

/// Reads the data set from `folder`, or from `cifar-10-batches-bin` inside it.
///
/// The images keep their order in the files. Fails with [`Error::Data`] if the folder or a file is missing, a file has a
/// wrong size, a label is above 9 or the class names are not ten; with [`Error::Io`] if the system refuses to read.
pub fn read(folder: &Path) -> Result<Dataset> {
    let folder = locate(folder)?;
    let classes = read_names(&folder.join(NAMES_FILE))?;
    let mut train = Images::empty(SIDE, SIDE);
    for name in TRAIN_FILES {
        read_file(&folder.join(name), &mut train)?;
    }
    let mut test = Images::empty(SIDE, SIDE);
    read_file(&folder.join(TEST_FILE), &mut test)?;
    Ok(Dataset { name: "cifar10".into(), classes, train, test })
}

/// Appends the records in `bytes`, the content of `path`, to `images`; planes become interleaved pixels.
/// Fails as [`read`] does and then leaves `images` as it was.
pub fn parse(path: &Path, bytes: &[u8], images: &mut Images) -> Result<()> {
    check_size(path, bytes.len() as u64)?;
    let records = bytes.chunks_exact(RECORD);
    if let Some((i, record)) = records.clone().enumerate().find(|(_, record)| record[0] as usize >= CLASSES) {
        let label = record[0];
        let reason = format!(
            "record {i} (from 0) has label {label}, expected 0 to 9; the file is damaged, get it again"
        );
        return Err(Error::data(path, reason));
    }
    images.labels.reserve_exact(records.len());
    images.pixels.reserve_exact(records.len() * 3 * PLANE);
    for record in records {
        images.labels.push(record[0]);
        let (red, rest) = record[1..].split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        for ((&r, &g), &b) in red.iter().zip(green).zip(blue) {
            images.pixels.extend_from_slice(&[r, g, b]);
        }
    }
    Ok(())
}

/// The folder that holds the files: the one given or the archive's folder inside it; every file must be there.
fn locate(folder: &Path) -> Result<PathBuf> {
    if !folder.exists() {
        return Err(Error::data(folder, format!("there is no such folder; {CONTENTS}")));
    }
    if !folder.is_dir() {
        return Err(Error::data(folder, format!("this is a file; {CONTENTS}")));
    }
    let inner = folder.join(ARCHIVE_FOLDER);
    let files = || TRAIN_FILES.into_iter().chain([TEST_FILE]);
    let folder =
        if inner.is_dir() && !files().any(|name| folder.join(name).exists()) { &inner } else { folder };
    for name in files() {
        if folder.join(name).exists() {
            continue;
        }
        let other_version = folder.join(name.trim_end_matches(".bin")).exists();
        let python = if other_version { " (these are the files of the Python version)" } else { "" };
        return Err(Error::data(folder, format!("{name} is missing{python}; {CONTENTS}")));
    }
    Ok(folder.to_path_buf())
}

fn read_file(path: &Path, images: &mut Images) -> Result<()> {
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if !meta.is_file() {
        return Err(Error::data(
            path,
            "this is not a plain file; expected records of the CIFAR-10 binary format",
        ));
    }
    check_size(path, meta.len())?; // before reading, so that a huge file is refused at once
    parse(path, &fs::read(path).map_err(Error::io("read", path))?, images)
}

fn check_size(path: &Path, bytes: u64) -> Result<()> {
    let records = bytes / RECORD as u64;
    let reason = if bytes == 0 {
        "the file is empty: expected at least one record of 3073 bytes; get it again".into()
    } else if !bytes.is_multiple_of(RECORD as u64) {
        format!(
            "the file has {bytes} bytes ({records} x 3073 + {}): expected a whole number of 3073-byte records \
             (30730000 bytes in the standard files); it is cut off or of another format, get it again",
            bytes % RECORD as u64
        )
    } else if records > RECORDS_PER_FILE as u64 {
        format!(
            "the file has {records} records, expected at most {RECORDS_PER_FILE}; it is no CIFAR-10 batch, get it again"
        )
    } else {
        return Ok(());
    };
    Err(Error::data(path, reason))
}

fn read_names(path: &Path) -> Result<Vec<String>> {
    if !path.exists() {
        return Ok(CLASS_NAMES.map(String::from).to_vec());
    }
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect();
    if names.len() != CLASSES {
        let count = names.len();
        let reason = format!(
            "lists {count} class names, expected 10, one a line; without the file the standard ones are used"
        );
        return Err(Error::data(path, reason));
    }
    Ok(names)
}
