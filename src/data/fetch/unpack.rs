//! Unpacking: only the files that are expected, only plain ones, none larger than it may be.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::{Archive as Tar, Entry, EntryType};

use super::Archive;
use crate::{Error, Result};

/// The most bytes of a whole archive when unpacked, what is not expected included.
const MOST: u64 = 1 << 30;

/// Unpacks the archive's files at `from` into `folder`, which is there whole or not at all.
///
/// # Errors
/// A damaged archive, one that lacks a file or holds a path that leads out of it, a file larger than it may be or that is no
/// plain file; a folder that cannot be written.
pub fn unpack(archive: &Archive, from: &Path, folder: &Path) -> Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(parent);
    let temporary = temporary.map_err(Error::io("create a folder in", parent))?;
    let file = File::open(from).map_err(Error::io("read", from))?;
    let mut tar = Tar::new(GzDecoder::new(file).take(MOST));
    let damaged =
        |error: std::io::Error| Error::data(from, format!("the archive is damaged ({error}); get it again"));
    let mut missing: Vec<&str> = archive.members.iter().map(|member| member.name).collect();
    for entry in tar.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        if let Some(name) = wanted(archive, from, &entry)? {
            copy(entry, from, &temporary.path().join(name))?;
            missing.retain(|missing| *missing != name);
        }
    }
    if let Some(name) = missing.first() {
        return Err(Error::data(from, format!("the archive has no {}/{name}", archive.folder)));
    }
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    for member in archive.members {
        let (from, to) = (temporary.path().join(member.name), folder.join(member.name));
        std::fs::rename(&from, &to).map_err(Error::io("write", &to))?;
    }
    Ok(())
}

/// The member that an entry is, or none where it is not needed.
fn wanted<'a>(archive: &Archive<'a>, from: &Path, entry: &Entry<impl Read>) -> Result<Option<&'a str>> {
    let refuse = |name: &Path, reason: &str| {
        Err(Error::data(from, format!("{} in the archive {reason}", name.display())))
    };
    let path = entry
        .path()
        .map_err(|error| Error::data(from, format!("a name in the archive is damaged ({error})")))?;
    if path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return refuse(&path, "leads out of its folder: it is not the published one");
    }
    let is = |name: &str| path == Path::new(archive.folder).join(name);
    let Some(member) = archive.members.iter().find(|member| is(member.name)) else { return Ok(None) };
    if entry.header().entry_type() != EntryType::Regular {
        return refuse(&path, "is no plain file");
    }
    if entry.size() > member.most {
        return refuse(
            &path,
            &format!("has {} bytes, more than the {} it may have", entry.size(), member.most),
        );
    }
    Ok(Some(member.name))
}

fn copy(mut entry: Entry<impl Read>, from: &Path, to: &Path) -> Result<()> {
    let mut file = File::create(to).map_err(Error::io("create", to))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = entry
            .read(&mut buffer)
            .map_err(|error| Error::data(from, format!("the archive is damaged ({error}); get it again")))?;
        if count == 0 {
            return file.sync_all().map_err(Error::io("write", to));
        }
        file.write_all(&buffer[..count]).map_err(Error::io("write", to))?;
    }
}
