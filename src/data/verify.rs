//! Whether the files of a data set are the published ones.

use std::path::Path;

use serde::Serialize;

use super::fetch::{ARCHIVES, Archive, sha256_of};
use super::load_folder;
use crate::Result;

/// What is known of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The file, or the folder where its data set has no published sums.
    pub path: String,
    /// Whether it is as published; where nothing is published, whether it reads.
    pub ok: bool,
    /// What was found.
    pub reason: String,
}

/// Compares the files of a folder with their published checksums; a folder of another kind is read as a whole instead.
///
/// # Errors
/// A folder that holds no data set, or cannot be read.
pub fn verify(folder: &Path) -> Result<Vec<Verdict>> {
    for archive in &ARCHIVES {
        let inner = folder.join(archive.folder);
        let at = if inner.is_dir() { inner.as_path() } else { folder };
        if at.join(archive.members[0].name).is_file() {
            return archive
                .members
                .iter()
                .map(|member| verdict(archive, at, member.name, member.sha256))
                .collect();
        }
    }
    let dataset = load_folder(folder, super::cifar10::SIDE)?;
    let reason = format!(
        "{}: {} training and {} test images of {} classes can be read; there are no published checksums",
        dataset.name,
        dataset.train.len(),
        dataset.test.len(),
        dataset.classes.len()
    );
    Ok(vec![Verdict { path: folder.display().to_string(), ok: true, reason }])
}

fn verdict(archive: &Archive, folder: &Path, name: &str, want: Option<&str>) -> Result<Verdict> {
    let path = folder.join(name);
    let (ok, reason) = if !path.is_file() {
        (false, format!("missing: get it with `wgrad data fetch {}`", archive.name))
    } else {
        let got = sha256_of(&path)?;
        match want {
            None => (true, "there; no published checksum".to_owned()),
            Some(want) if want == got => (true, format!("SHA-256 {got}")),
            Some(want) => (false, format!("SHA-256 is {got}, expected {want}")),
        }
    };
    Ok(Verdict { path: path.display().to_string(), ok, reason })
}
