//! Where a data set comes from, as `--data` and recipes name it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Dataset, cifar10, sample};
use crate::{Error, Result};

/// A place to load a data set from; in text `sample`, or the path of a folder (`./sample` for a folder of that name).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// The images bundled with the program.
    #[default]
    Sample,
    /// A folder with the CIFAR-10 binary files, see [`cifar10`].
    Folder(PathBuf),
}

impl FromStr for Source {
    type Err = Error;

    /// Every text but the empty one is a source; whether the folder is good shows in [`load`].
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "" => Err(Error::usage(
                "data is empty: expected `sample` or the folder of the CIFAR-10 binary files",
            )),
            "sample" => Ok(Self::Sample),
            path => Ok(Self::Folder(PathBuf::from(path))),
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
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

/// Loads the whole data set into memory. Fails with [`Error::Data`] or [`Error::Io`], naming the file.
pub fn load(source: &Source) -> Result<Dataset> {
    match source {
        Source::Sample => sample::load(),
        Source::Folder(folder) => cifar10::read(folder),
    }
}
