//! The CIFAR-10 binary format (<https://www.cs.toronto.edu/~kriz/cifar.html>, "Binary version").
//!
//! A file is a sequence of 3,073-byte records: one label byte (0..=9), then 1,024 red, 1,024 green and 1,024 blue bytes,
//! each plane row by row. The standard files have 10,000 records; fewer are accepted, so that small sets can be made.

use std::path::{Path, PathBuf};

use super::planar::{Layout, read_names};
use super::{Dataset, Images, planar};
use crate::{Error, Result};

/// Height and width of an image in pixels.
pub const SIDE: u32 = planar::SIDE;
/// Number of classes.
pub const CLASSES: usize = 10;
/// Pixels of one plane.
pub const PLANE: usize = planar::PLANE;
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

const LAYOUT: Layout = Layout { name: "CIFAR-10", labels: 1, classes: CLASSES, most: RECORDS_PER_FILE };

const CONTENTS: &str = "expected a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin (get them with `wgrad \
                        data fetch cifar10`), or `sample` for the bundled images";

/// Reads the data set from `folder`, or from `cifar-10-batches-bin` inside it.
///
/// The images keep their order in the files. Fails with [`Error::Data`] if the folder or a file is missing, a file has a
/// wrong size, a label is above 9 or the class names are not ten; with [`Error::Io`] if the system refuses to read.
pub fn read(folder: &Path) -> Result<Dataset> {
    let folder = locate(folder)?;
    let names = folder.join(NAMES_FILE);
    let classes =
        if names.exists() { read_names(&names, CLASSES)? } else { CLASS_NAMES.map(String::from).to_vec() };
    let mut train = Images::empty(SIDE, SIDE);
    for name in TRAIN_FILES {
        LAYOUT.read_file(&folder.join(name), &mut train)?;
    }
    let mut test = Images::empty(SIDE, SIDE);
    LAYOUT.read_file(&folder.join(TEST_FILE), &mut test)?;
    Ok(Dataset { name: "cifar10".into(), classes, train, test })
}

/// Appends the records in `bytes`, the content of `path`, to `images`; planes become interleaved pixels.
/// Fails as [`read`] does and then leaves `images` as it was.
pub fn parse(path: &Path, bytes: &[u8], images: &mut Images) -> Result<()> {
    LAYOUT.parse(path, bytes, images)
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
