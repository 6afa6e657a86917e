//! A folder of image files: ROOT/train/CLASS/FILE and ROOT/test/CLASS/FILE (or ROOT/val), as torchvision's `ImageFolder` has it.
//!
//! Classes are the folders' names in alphabetical order; images are scaled by [`image_file::read_sized`]. Files whose name does
//! not end in png, jpg, jpeg, webp or bmp are left out, as are names that begin with a dot; folders in a class are not read.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Dataset, Images, image_file};
use crate::{Error, Result};

/// The folder of training images.
pub const TRAIN_FOLDER: &str = "train";
/// Names of the folder of test images, the first that is there.
pub const TEST_FOLDERS: [&str; 3] = ["test", "val", "valid"];
/// The most classes: a label is a byte.
pub const MOST_CLASSES: usize = 256;

const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "bmp"];

/// Reads all images, `side` x `side` pixels each.
///
/// # Errors
/// A folder that is missing or empty, fewer than two classes or more than 256, a test class that has no training images, or a
/// file that cannot be decoded.
pub fn read(root: &Path, side: u32) -> Result<Dataset> {
    let train = root.join(TRAIN_FOLDER);
    let test =
        TEST_FOLDERS.iter().map(|name| root.join(name)).find(|path| path.is_dir()).ok_or_else(|| {
            Error::data(root, "has train/ but no test/ (or val/): expected a folder for each class in both")
        })?;
    let classes = folders(&train)?;
    match classes.len() {
        0 => return Err(Error::data(train, "has no folders: expected one for each class, with image files")),
        1 => {
            let reason = format!("has one class only ({}): there is nothing to tell apart", classes[0]);
            return Err(Error::data(train, reason));
        }
        count if count > MOST_CLASSES => {
            return Err(Error::data(train, format!("has {count} classes, expected at most {MOST_CLASSES}")));
        }
        _ => {}
    }
    if let Some(other) = folders(&test)?.into_iter().find(|name| !classes.contains(name)) {
        return Err(Error::data(test, format!("has a class {other}, which {TRAIN_FOLDER}/ has not")));
    }
    let train = read_split(&train, &classes, side, true)?;
    let test = read_split(&test, &classes, side, false)?;
    let name = root.file_name().map_or_else(|| "images".into(), |name| name.to_string_lossy().into_owned());
    Ok(Dataset { name, classes, train, test })
}

/// The images of a split. Every class must have one where `all` says so, else at least one image in all.
fn read_split(root: &Path, classes: &[String], side: u32, all: bool) -> Result<Images> {
    let mut files: Vec<(PathBuf, u8)> = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        let folder = root.join(class);
        let own = if folder.is_dir() { images_in(&folder)? } else { Vec::new() };
        if own.is_empty() && all {
            return Err(Error::data(folder, "has no images: expected png, jpg, jpeg, webp or bmp files"));
        }
        files.extend(own.into_iter().map(|path| (path, label as u8)));
    }
    if files.is_empty() {
        return Err(Error::data(root, "has no images: expected a folder for each class, with image files"));
    }
    let pixels: Vec<Vec<u8>> =
        files.par_iter().map(|(path, _)| image_file::read_sized(path, side)).collect::<Result<_>>()?;
    let mut images = Images::empty(side, side);
    images.pixels = pixels.concat();
    images.labels = files.into_iter().map(|(_, label)| label).collect();
    Ok(images)
}

/// Names of the folders in a folder, in alphabetical order.
fn folders(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for path in entries(root)? {
        // A link to itself cannot be asked what it is: an error, not a class less.
        if fs::metadata(&path).map_err(Error::io("read", &path))?.is_dir() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            names.extend(name);
        }
    }
    Ok(names)
}

fn images_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_image = |path: &PathBuf| {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
    };
    Ok(entries(folder)?.into_iter().filter(is_image).collect())
}

/// What is in a folder but names that begin with a dot, in alphabetical order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
