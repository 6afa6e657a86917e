//! Files of records: label bytes, then the red, green and blue planes of a 32 x 32 image, each row by row.

use std::fs;
use std::path::Path;

use super::Images;
use crate::{Error, Result};

/// Height and width of an image in pixels.
pub(super) const SIDE: u32 = 32;
/// Pixels of one plane.
pub(super) const PLANE: usize = (SIDE * SIDE) as usize;

/// What a file's records look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The format's name.
    pub(super) name: &'static str,
    /// Label bytes of a record; the last one is the class.
    pub(super) labels: usize,
    /// Number of classes.
    pub(super) classes: usize,
    /// The most records of a file.
    pub(super) most: usize,
}

impl Layout {
    const fn record(&self) -> usize {
        self.labels + 3 * PLANE
    }

    /// Appends the records in `bytes`, the content of `path`; planes become interleaved pixels. `images` stays as it was where
    /// something is wrong.
    pub(super) fn parse(&self, path: &Path, bytes: &[u8], images: &mut Images) -> Result<()> {
        self.check_size(path, bytes.len() as u64)?;
        let records = bytes.chunks_exact(self.record());
        let label = |record: &[u8]| record[self.labels - 1];
        if let Some((i, record)) =
            records.clone().enumerate().find(|(_, record)| usize::from(label(record)) >= self.classes)
        {
            let (label, last) = (label(record), self.classes - 1);
            let reason = format!(
                "record {i} (from 0) has label {label}, expected 0 to {last}; the file is damaged, get it again"
            );
            return Err(Error::data(path, reason));
        }
        images.labels.reserve_exact(records.len());
        images.pixels.reserve_exact(records.len() * 3 * PLANE);
        for record in records {
            images.labels.push(label(record));
            interleave(&record[self.labels..], images);
        }
        Ok(())
    }

    pub(super) fn read_file(&self, path: &Path, images: &mut Images) -> Result<()> {
        let meta = fs::metadata(path).map_err(Error::io("read", path))?;
        if !meta.is_file() {
            let name = self.name;
            return Err(Error::data(
                path,
                format!("this is not a plain file; expected records of the {name} binary format"),
            ));
        }
        self.check_size(path, meta.len())?; // before reading, so that a huge file is refused at once
        self.parse(path, &fs::read(path).map_err(Error::io("read", path))?, images)
    }

    fn check_size(&self, path: &Path, bytes: u64) -> Result<()> {
        let record = self.record() as u64;
        let records = bytes / record;
        let reason = if bytes == 0 {
            format!("the file is empty: expected at least one record of {record} bytes; get it again")
        } else if !bytes.is_multiple_of(record) {
            format!(
                "the file has {bytes} bytes ({records} x {record} + {}): expected a whole number of {record}-byte records \
                 ({} bytes in the standard files); it is cut off or of another format, get it again",
                bytes % record,
                record * self.most as u64
            )
        } else if records > self.most as u64 {
            format!(
                "the file has {records} records, expected at most {}; it is no {} batch, get it again",
                self.most, self.name
            )
        } else {
            return Ok(());
        };
        Err(Error::data(path, reason))
    }
}

/// Appends an image of three planes, red, green and blue of a pixel side by side.
pub(super) fn interleave(planes: &[u8], images: &mut Images) {
    let (red, rest) = planes.split_at(PLANE);
    let (green, blue) = rest.split_at(PLANE);
    for ((&r, &g), &b) in red.iter().zip(green).zip(blue) {
        images.pixels.extend_from_slice(&[r, g, b]);
    }
}

/// Class names, one a line.
pub(super) fn read_names(path: &Path, classes: usize) -> Result<Vec<String>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect();
    if names.len() != classes {
        let count = names.len();
        let reason = format!(
            "lists {count} class names, expected {classes}, one a line; without the file the standard ones are used"
        );
        return Err(Error::data(path, reason));
    }
    Ok(names)
}
