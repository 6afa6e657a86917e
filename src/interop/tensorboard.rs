//! Event files of TensorBoard: scalars and images, in the frames of TFRecord.
//!
//! A record is its length (u64), a checksum of that, the message `Event` (tensorflow/core/util/event.proto) and a checksum of
//! the message; numbers are little-endian, checksums CRC-32C, turned by 15 bits and moved by a constant.

use std::fs::File;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use image::{ImageFormat, RgbImage};
use prost::Message;

use crate::{Error, Result};

#[derive(Clone, PartialEq, prost::Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    image: Option<Picture>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Picture {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    #[prost(int32, tag = "3")]
    colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    encoded_image_string: Vec<u8>,
}

/// The checksum of a frame.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// An event file that is being written; each call is on its way to the disk before it returns.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    path: PathBuf,
}

impl EventFile {
    /// A new file in this folder, which is made where it is missing.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn create(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Its readers know such files by their name, and take them by the order of time.
        let name = format!("events.out.tfevents.{:010}.wgrad.{}", now.as_secs(), std::process::id());
        let path = folder.join(name);
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        let mut events = Self { file, path };
        events.write(&Event { file_version: Some("brain.Event:2".into()), ..events.event(0) })?;
        Ok(events)
    }

    fn event(&self, step: u64) -> Event {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Event { wall_time: now.as_secs_f64(), step: step as i64, ..Event::default() }
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let message = event.encode_to_vec();
        let length = (message.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(message.len() + 16);
        record.extend(length);
        record.extend(masked_crc(&length).to_le_bytes());
        record.extend(&message);
        record.extend(masked_crc(&message).to_le_bytes());
        self.file.write_all(&record).map_err(Error::io("write", &self.path))
    }

    /// Numbers at a step of the run, by name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<()> {
        let value = |&(tag, value): &(&str, f64)| Value {
            tag: tag.into(),
            simple_value: Some(value as f32),
            image: None,
        };
        let summary = Summary { value: values.iter().map(value).collect() };
        self.write(&Event { summary: Some(summary), ..self.event(step) })
    }

    /// An image at a step of the run: `width` x height x 3 bytes, red, green and blue side by side.
    ///
    /// # Errors
    /// The file cannot be written, or the bytes are no whole rows.
    pub fn image(&mut self, step: u64, tag: &str, width: u32, pixels: Vec<u8>) -> Result<()> {
        let height = (pixels.len() / 3) as u32 / width.max(1);
        let wrong = || Error::usage(format!("image {tag}: the bytes are no rows of {width} pixels"));
        let image = RgbImage::from_raw(width, height, pixels).ok_or_else(wrong)?;
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png).map_err(|_| wrong())?;
        let picture = Picture {
            height: height as i32,
            width: width as i32,
            colorspace: 3,
            encoded_image_string: png.into_inner(),
        };
        let value = Value { tag: tag.into(), simple_value: None, image: Some(picture) };
        self.write(&Event { summary: Some(Summary { value: vec![value] }), ..self.event(step) })
    }
}

/// Pixels of a cell's side in [`confusion_image`].
const CELL: usize = 16;

/// A confusion matrix (`[label][answer]`) as an image: each row's shares from white to dark blue. Width and bytes.
pub fn confusion_image(confusion: &[Vec<u64>]) -> (u32, Vec<u8>) {
    let side = confusion.len() * CELL;
    let mut pixels = Vec::with_capacity(side * side * 3);
    for y in 0..side {
        let row = &confusion[y / CELL];
        let total: u64 = row.iter().sum();
        for x in 0..side {
            let share = row[x / CELL] as f64 / total.max(1) as f64;
            let between = |light: f64, dark: f64| (light + (dark - light) * share).round() as u8;
            // A line of grey between the cells.
            let edge = x % CELL == 0 || y % CELL == 0;
            pixels.extend(if edge {
                [200; 3]
            } else {
                [between(255.0, 8.0), between(255.0, 48.0), between(255.0, 107.0)]
            });
        }
    }
    (side as u32, pixels)
}

/// The first images in rows of `columns`, as one image: width and bytes. `image` gives the bytes of each.
pub fn sheet<'a>(
    count: usize,
    columns: usize,
    side: usize,
    image: impl Fn(usize) -> &'a [u8],
) -> (u32, Vec<u8>) {
    let (columns, line) = (columns.min(count).max(1), side * 3);
    let rows = count / columns;
    let mut pixels = Vec::with_capacity(rows * columns * side * line);
    for row in 0..rows {
        for y in 0..side {
            for column in 0..columns {
                pixels.extend_from_slice(&image(row * columns + column)[y * line..(y + 1) * line]);
            }
        }
    }
    ((columns * side) as u32, pixels)
}
