//! Which kind of data set a folder holds.

use std::path::Path;

use super::{Dataset, cifar10, cifar100, image_folder, python};
use crate::{Error, Result};

/// Folders of published archives, which may lie in the folder that is named.
const INNER: [&str; 4] =
    [cifar10::ARCHIVE_FOLDER, "cifar-10-batches-py", cifar100::ARCHIVE_FOLDER, "cifar-100-python"];

/// Reads the data set of a folder, whatever kind it is: CIFAR-10 or CIFAR-100, binary or python version, or a folder of
/// images, which become `side` x `side` pixels.
///
/// # Errors
/// No such folder, no data set in it, or a file of it that is damaged.
pub fn load_folder(folder: &Path, side: u32) -> Result<Dataset> {
    if let Some(dataset) = read(folder, side) {
        return dataset;
    }
    for name in INNER {
        if let Some(dataset) = read(&folder.join(name), side) {
            return dataset;
        }
    }
    if !folder.is_dir() || cifar10::TRAIN_FILES.iter().any(|name| folder.join(name).exists()) {
        return cifar10::read(folder);
    }
    Err(Error::data(
        folder,
        "holds no data set: expected the files of CIFAR-10 or CIFAR-100 (`wgrad data fetch cifar10`), or train/ and test/ with \
         a folder of images for each class; `sample` is the name of the bundled images",
    ))
}

/// The data set whose files lie in this very folder.
fn read(folder: &Path, side: u32) -> Option<Result<Dataset>> {
    let file = |name: &str| folder.join(name).is_file();
    if cifar10::TRAIN_FILES.into_iter().chain([cifar10::TEST_FILE]).any(file) {
        Some(cifar10::read(folder))
    } else if file("data_batch_1") {
        Some(python::read_cifar10(folder))
    } else if file(cifar100::TRAIN_FILE) || file(cifar100::TEST_FILE) {
        Some(cifar100::read(folder))
    } else if file("train") && file("meta") {
        Some(python::read_cifar100(folder))
    } else if folder.join(image_folder::TRAIN_FOLDER).is_dir() {
        Some(image_folder::read(folder, side))
    } else {
        None
    }
}
