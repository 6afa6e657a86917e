//! CIFAR's "python version": pickled dictionaries of planar images and labels, read by a parser that runs nothing.

use std::fs;
use std::path::Path;

use super::pickle::Pickle;
use super::planar::{PLANE, SIDE, interleave};
use super::{Dataset, Images, cifar10};
use crate::{Error, Result};

/// The most bytes of a file: CIFAR-100's training file has 155,249,918.
const MOST: u64 = 200_000_000;

/// What differs between the two data sets.
struct Version {
    name: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    meta: &'static str,
    labels: &'static str,
    names: &'static str,
    classes: usize,
}

const CIFAR10: Version = Version {
    name: "cifar10",
    train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
    test: "test_batch",
    meta: "batches.meta",
    labels: "labels",
    names: "label_names",
    classes: cifar10::CLASSES,
};

const CIFAR100: Version = Version {
    name: "cifar100",
    train: &["train"],
    test: "test",
    meta: "meta",
    labels: "fine_labels",
    names: "fine_label_names",
    classes: super::cifar100::CLASSES,
};

/// Reads CIFAR-10's python version from `folder`.
///
/// # Errors
/// A file that is missing, too large, no such pickle, or has labels that are no classes.
pub fn read_cifar10(folder: &Path) -> Result<Dataset> {
    read(folder, &CIFAR10)
}

/// Reads CIFAR-100's python version from `folder`, with its fine classes.
///
/// # Errors
/// As [`read_cifar10`].
pub fn read_cifar100(folder: &Path) -> Result<Dataset> {
    read(folder, &CIFAR100)
}

fn read(folder: &Path, version: &Version) -> Result<Dataset> {
    let classes = with_pickle(&folder.join(version.meta), |pickle| {
        let names = pickle.texts(pickle.entry(pickle.root(), version.names)?)?;
        if names.len() == version.classes {
            return Ok(names);
        }
        Err(format!("it lists {} class names, expected {}", names.len(), version.classes))
    })?;
    let mut train = Images::empty(SIDE, SIDE);
    for name in version.train {
        batch(&folder.join(name), version, &mut train)?;
    }
    let mut test = Images::empty(SIDE, SIDE);
    batch(&folder.join(version.test), version, &mut test)?;
    Ok(Dataset { name: version.name.into(), classes, train, test })
}

fn batch(path: &Path, version: &Version, images: &mut Images) -> Result<()> {
    with_pickle(path, |pickle| parse(pickle, version.labels, version.classes, images))
}

/// Appends the images of a pickled CIFAR-10 batch, the content of `path`.
///
/// # Errors
/// As [`read_cifar10`]; `images` then stays as it was.
pub fn parse_batch(path: &Path, bytes: &[u8], images: &mut Images) -> Result<()> {
    explain(path, Pickle::parse(bytes).and_then(|p| parse(&p, CIFAR10.labels, CIFAR10.classes, images)))
}

fn parse(
    pickle: &Pickle,
    labels: &str,
    classes: usize,
    images: &mut Images,
) -> std::result::Result<(), String> {
    let labels = pickle.numbers(pickle.entry(pickle.root(), labels)?)?;
    let (rows, data) = pickle.array(pickle.entry(pickle.root(), "data")?, 3 * PLANE)?;
    if rows == 0 {
        return Err("it has no images".into());
    }
    if labels.len() != rows {
        return Err(format!("it has {rows} images and {} labels", labels.len()));
    }
    if let Some((i, label)) =
        labels.iter().enumerate().find(|(_, label)| !(0..classes as i64).contains(*label))
    {
        return Err(format!("image {i} (from 0) has label {label}, expected 0 to {}", classes - 1));
    }
    images.labels.extend(labels.iter().map(|&label| label as u8));
    data.chunks_exact(3 * PLANE).for_each(|planes| interleave(planes, images));
    Ok(())
}

fn with_pickle<T>(path: &Path, read: impl FnOnce(&Pickle) -> std::result::Result<T, String>) -> Result<T> {
    let size = fs::metadata(path).map_err(Error::io("read", path))?.len();
    if size > MOST {
        return Err(Error::data(
            path,
            format!("has {size} bytes, more than any of CIFAR's files; get it again"),
        ));
    }
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    explain(path, Pickle::parse(&bytes).and_then(|pickle| read(&pickle)))
}

fn explain<T>(path: &Path, outcome: std::result::Result<T, String>) -> Result<T> {
    outcome.map_err(|reason| {
        Error::data(path, format!("is no pickle of CIFAR's python version: {reason}; get it again"))
    })
}
