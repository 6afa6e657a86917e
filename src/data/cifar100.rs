//! The CIFAR-100 binary format (<https://www.cs.toronto.edu/~kriz/cifar.html>, "Binary version").
//!
//! A record is two label bytes, the coarse class (0..=19) and the fine one (0..=99), then three planes as in CIFAR-10. The
//! classes are the fine ones.

use std::path::Path;

use super::planar::{Layout, SIDE, read_names};
use super::{Dataset, Images};
use crate::{Error, Result};

/// Number of classes.
pub const CLASSES: usize = 100;
/// The file with the training images.
pub const TRAIN_FILE: &str = "train.bin";
/// The file with the test images.
pub const TEST_FILE: &str = "test.bin";
/// The file with one class name a line; without it a class is called by its number.
pub const NAMES_FILE: &str = "fine_label_names.txt";
/// The folder inside the published archive.
pub const ARCHIVE_FOLDER: &str = "cifar-100-binary";

const LAYOUT: Layout = Layout { name: "CIFAR-100", labels: 2, classes: CLASSES, most: 50_000 };

/// Reads the data set from `folder`.
///
/// # Errors
/// A file is missing, has a wrong size or a label above 99, or the class names are not a hundred.
pub fn read(folder: &Path) -> Result<Dataset> {
    let names = folder.join(NAMES_FILE);
    let classes = if names.exists() {
        read_names(&names, CLASSES)?
    } else {
        (0..CLASSES).map(|class| class.to_string()).collect()
    };
    let mut sets = [Images::empty(SIDE, SIDE), Images::empty(SIDE, SIDE)];
    for (name, images) in [TRAIN_FILE, TEST_FILE].into_iter().zip(&mut sets) {
        let path = folder.join(name);
        if !path.exists() {
            return Err(Error::data(
                folder,
                format!("{name} is missing: get it with `wgrad data fetch cifar100`"),
            ));
        }
        LAYOUT.read_file(&path, images)?;
    }
    let [train, test] = sets;
    Ok(Dataset { name: "cifar100".into(), classes, train, test })
}

/// Appends the records in `bytes`, the content of `path`, to `images`.
///
/// # Errors
/// As [`read`]; `images` then stays as it was.
pub fn parse(path: &Path, bytes: &[u8], images: &mut Images) -> Result<()> {
    LAYOUT.parse(path, bytes, images)
}
