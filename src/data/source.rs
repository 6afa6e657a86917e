//! Where a data set comes from, as `--data` and recipes name it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Dataset, cifar10, data_folder, fetch, load_folder, sample};
use crate::{Error, Result};

/// A place to load a data set from; in text `sample`, `cifar10`, `cifar100`, or the path of a folder (`./sample` for a folder of
/// that name).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// The images bundled with the program.
    #[default]
    Sample,
    /// What `wgrad data fetch` has put into the [`data_folder`].
    Fetched(String),
    /// A folder, see [`load_folder`].
    Folder(PathBuf),
}

impl FromStr for Source {
    type Err = Error;

    /// Every text but the empty one is a source; whether the folder is good shows in [`load`].
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "" => Err(Error::usage(
                "data is empty: expected `sample`, `cifar10`, `cifar100`, or the folder of a data set",
            )),
            "sample" => Ok(Self::Sample),
            text => Ok(match fetch::archive(text) {
                Some(archive) => Self::Fetched(archive.name.into()),
                None => Self::Folder(PathBuf::from(text)),
            }),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample => f.write_str("sample"),
            Self::Fetched(name) => f.write_str(name),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

/// Loads the whole data set into memory. Fails with [`Error::Data`] or [`Error::Io`], naming the file.
pub fn load(source: &Source) -> Result<Dataset> {
    load_sized(source, cifar10::SIDE)
}

/// The same; images of a folder of images become `side` x `side` pixels.
///
/// # Errors
/// As [`load`].
pub fn load_sized(source: &Source, side: u32) -> Result<Dataset> {
    match source {
        Source::Sample => sample::load(),
        Source::Folder(folder) => load_folder(folder, side),
        Source::Fetched(name) => {
            let folder = data_folder()?;
            let inner =
                fetch::archive(name).map_or_else(|| folder.clone(), |archive| folder.join(archive.folder));
            if !inner.is_dir() {
                let reason = format!(
                    "{name} is not there yet: get it with `wgrad data fetch {name}`, or name its folder"
                );
                return Err(Error::data(inner, reason));
            }
            load_folder(&inner, side)
        }
    }
}
