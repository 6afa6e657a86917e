//! A user's own image file as an input of a network: 32 x 32 pixels, or another square.

use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

use super::cifar10::SIDE;
use crate::{Error, Result};

/// The largest accepted width and height in pixels.
pub const MAX_SIDE: u32 = 16_384;
/// The largest accepted size of a decoded image in bytes: 512 MiB.
pub const MAX_BYTES: u64 = 512 << 20;

/// Reads a PNG, JPEG, WebP or BMP file of any size as 32 x 32 x 3 bytes (HWC, red, green, blue).
///
/// The content decides the format, not the name. Orientation in the file's metadata is applied, grey becomes three equal
/// channels, transparency is dropped. The largest centred square is then scaled to 32 x 32 with a triangle filter whose
/// width grows with the reduction (bilinear with antialiasing, as PyTorch's transforms have it): it cannot overshoot as
/// Lanczos does. An image of 32 x 32 pixels is left as it is.
///
/// Fails with [`Error::Io`] if the file cannot be read and with [`Error::Data`] if it is no image of these formats, is
/// damaged, or is larger than [`MAX_SIDE`] or [`MAX_BYTES`].
pub fn read_image(path: &Path) -> Result<Vec<u8>> {
    read_sized(path, SIDE)
}

/// As [`read_image`], with `side` x `side` pixels.
///
/// # Errors
/// As [`read_image`].
pub fn read_sized(path: &Path, to: u32) -> Result<Vec<u8>> {
    let image = decode(path)?;
    let side = image.width().min(image.height());
    if side == 0 {
        return Err(Error::data(path, "the image has no pixels; expected at least 1 x 1"));
    }
    let (x, y) = ((image.width() - side) / 2, (image.height() - side) / 2);
    let square = image.crop_imm(x, y, side, side).into_rgb8();
    let scaled = if side == to { square } else { imageops::resize(&square, to, to, FilterType::Triangle) };
    Ok(scaled.into_raw())
}

/// An image of H x W x 3 bytes as a PNG file.
///
/// # Errors
/// [`Error::Usage`] where the number of bytes is another one.
pub fn png(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>> {
    let whole = pixels.len() as u64 == 3 * u64::from(width) * u64::from(height);
    let image = whole.then(|| image::RgbImage::from_raw(width, height, pixels.to_vec())).flatten();
    let image = image.ok_or_else(|| {
        Error::usage(format!("an image of {width} x {height} pixels has no {} bytes", pixels.len()))
    })?;
    let mut file = std::io::Cursor::new(Vec::new());
    let written = image.write_to(&mut file, image::ImageFormat::Png);
    written.map_err(|error| Error::usage(format!("the image has no PNG form ({error})")))?;
    Ok(file.into_inner())
}

fn decode(path: &Path) -> Result<DynamicImage> {
    let reader = ImageReader::open(path).map_err(Error::io("read", path))?;
    let mut reader = reader.with_guessed_format().map_err(Error::io("read", path))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    // A name like x.png is the reader's fallback where the content says nothing; its decoder then refuses the content.
    let explain = |error| Error::data(path, reason(&error));
    let mut decoder = reader.into_decoder().map_err(explain)?;
    if decoder.total_bytes() > MAX_BYTES {
        let (width, height) = decoder.dimensions();
        let reason = format!(
            "the image has {width} x {height} pixels, more than 512 MiB when decoded; make it smaller"
        );
        return Err(Error::data(path, reason));
    }
    let orientation = decoder.orientation().map_err(explain)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(explain)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn reason(error: &ImageError) -> String {
    match error {
        ImageError::Limits(_) => {
            format!(
                "the image is larger than {MAX_SIDE} pixels a side or 512 MiB when decoded; make it smaller"
            )
        }
        ImageError::Unsupported(_) => {
            "this is no image of a known format; expected PNG, JPEG, WebP or BMP".into()
        }
        other => {
            format!("the image cannot be decoded ({other}); expected a whole PNG, JPEG, WebP or BMP file")
        }
    }
}
