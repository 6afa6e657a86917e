//! Images of any size and format as 32 x 32 RGB bytes.

use std::fs;
use std::path::PathBuf;

use image::codecs::png::PngEncoder;
use image::{
    DynamicImage, ExtendedColorType, GrayImage, ImageEncoder, ImageFormat, Rgb, RgbImage, RgbaImage,
};
use tempfile::TempDir;
use wgrad::Error;
use wgrad::data::image_file::read_image;

/// Writes `image` under a name and reads it back as network input.
fn through(image: impl Into<DynamicImage>, name: &str, format: ImageFormat) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    image.into().save_with_format(&path, format).unwrap();
    read_image(&path).unwrap()
}

/// Every pixel differs.
fn pattern(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, (x * 7 + y * 3) as u8]))
}

fn file(bytes: &[u8], name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Reads `bytes`, which must fail with `Error::Data` about the file.
fn refusal(bytes: &[u8], name: &str) -> String {
    let (_folder, file) = file(bytes, name);
    match read_image(&file).unwrap_err() {
        Error::Data { path, reason } if path == file => reason,
        other => panic!("expected a data error about {}, got {other:?}", file.display()),
    }
}

#[test]
fn image_of_32_pixels_is_left_as_it_is() {
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
        // The name says nothing about the content.
        assert_eq!(through(pattern(32, 32), "a.jpg", format), pattern(32, 32).into_raw(), "{format:?}");
    }
    // Mid-grey has no cosine terms at all, so even JPEG gives it back exactly.
    let grey = RgbImage::from_pixel(32, 32, Rgb([128; 3]));
    assert_eq!(through(grey.clone(), "a.png", ImageFormat::Jpeg), grey.into_raw());
}

#[test]
fn image_is_cropped_to_the_centred_square() {
    let wide = image::imageops::crop_imm(&pattern(101, 32), 34, 0, 32, 32).to_image();
    assert_eq!(through(pattern(101, 32), "a.png", ImageFormat::Png), wide.into_raw());
    let tall = image::imageops::crop_imm(&pattern(32, 40), 0, 4, 32, 32).to_image();
    assert_eq!(through(pattern(32, 40), "a.png", ImageFormat::Png), tall.into_raw());
}

#[test]
fn image_is_scaled_with_antialiasing() {
    // A symmetric filter keeps a ramp: output x is centred on the source's 4x + 1.5, where the ramp is 8x + 3. The outermost
    // columns lose part of the filter; one level of tolerance is for rounding.
    let ramp = RgbImage::from_fn(128, 128, |x, y| Rgb([2 * x as u8, 2 * y as u8, 77]));
    let scaled = through(ramp, "a.png", ImageFormat::Png);
    assert_eq!(scaled.len(), 3072);
    for (i, pixel) in scaled.chunks_exact(3).enumerate() {
        let (x, y) = (i % 32, i / 32);
        if (1..31).contains(&x) {
            assert!(pixel[0].abs_diff((8 * x + 3) as u8) <= 1, "red {} at ({x}, {y})", pixel[0]);
        }
        if (1..31).contains(&y) {
            assert!(pixel[1].abs_diff((8 * y + 3) as u8) <= 1, "green {} at ({x}, {y})", pixel[1]);
        }
        assert_eq!(pixel[2], 77);
    }
    // Fine stripes of two black and two white columns: sampling without a filter that grows with the reduction would pick
    // black or white. Over 16 columns, two whole reductions by 8, the triangle gives their mean, 127.5.
    let stripes = GrayImage::from_fn(256, 256, |x, _| image::Luma([255 * (x / 2 % 2) as u8]));
    let scaled = through(stripes, "a.png", ImageFormat::Png);
    for (i, &value) in scaled.iter().enumerate().filter(|(i, _)| (1..31).contains(&(i / 3 % 32))) {
        assert!(value.abs_diff(127) <= 1, "{value} at byte {i}");
    }
}

#[test]
fn one_pixel_and_other_colour_types_are_read() {
    let one = through(RgbImage::from_pixel(1, 1, Rgb([9, 8, 7])), "a.png", ImageFormat::Png);
    assert_eq!(one, [9, 8, 7].repeat(1024));
    let line = through(RgbImage::from_pixel(16_384, 1, Rgb([9, 8, 7])), "a.png", ImageFormat::Png);
    assert_eq!(line, one);
    let grey = GrayImage::from_fn(32, 32, |x, y| image::Luma([(x + 32 * (y % 8)) as u8]));
    let expected: Vec<u8> = grey.as_raw().iter().flat_map(|&value| [value; 3]).collect();
    assert_eq!(through(grey, "a.png", ImageFormat::Png), expected);
    let clear = RgbaImage::from_pixel(32, 32, image::Rgba([5, 6, 7, 0]));
    assert_eq!(through(clear, "a.png", ImageFormat::Png), [5, 6, 7].repeat(1024));
    let deep = image::ImageBuffer::from_pixel(32, 32, Rgb([257u16 * 3, 257 * 200, 65_535]));
    assert_eq!(
        through(DynamicImage::ImageRgb16(deep), "a.png", ImageFormat::Png),
        [3, 200, 255].repeat(1024)
    );
}

#[test]
fn orientation_in_the_file_is_applied() {
    // Exif: little-endian header, one entry, tag 0x0112 (orientation), type short, value 6 (turn right to show).
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let image = pattern(32, 32);
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.write_image(image.as_raw(), 32, 32, ExtendedColorType::Rgb8).unwrap();
    let (_folder, path) = file(&png, "a.png");
    // Turned right, the left column becomes the top row, its lowest pixel first.
    let turned = RgbImage::from_fn(32, 32, |x, y| *image.get_pixel(y, 31 - x));
    assert_eq!(read_image(&path).unwrap(), turned.into_raw());
}

#[test]
fn files_that_are_no_images_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.png");
    match read_image(&absent).unwrap_err() {
        Error::Io { action: "read", path, source } => {
            assert_eq!((path, source.kind()), (absent, std::io::ErrorKind::NotFound));
        }
        other => panic!("expected an I/O error, got {other:?}"),
    }
    assert!(read_image(folder.path()).is_err());

    let unknown = "this is no image of a known format; expected PNG, JPEG, WebP or BMP";
    for (bytes, name) in
        [(&b"hello"[..], "notes.txt"), (b"", "empty"), (b"GIF89a\x01\0\x01\0\0\0\0", "a.png")]
    {
        assert_eq!(refusal(bytes, name), unknown, "{name}");
    }
    let mut png = std::io::Cursor::new(Vec::new());
    pattern(40, 40).write_to(&mut png, ImageFormat::Png).unwrap();
    let png = png.into_inner();
    for (bytes, name) in
        [(&b"hello"[..], "a.png"), (b"", "a.jpg"), (&png[..png.len() / 2], "a"), (&png[..20], "a")]
    {
        let reason = refusal(bytes, name);
        assert!(reason.starts_with("the image cannot be decoded ("), "{reason}");
        assert!(reason.ends_with("); expected a whole PNG, JPEG, WebP or BMP file"), "{reason}");
    }
}

#[test]
fn absurd_sizes_are_refused_before_any_memory_is_taken() {
    let mut png = std::io::Cursor::new(Vec::new());
    GrayImage::new(16_385, 1).write_to(&mut png, ImageFormat::Png).unwrap();
    let expected = "the image is larger than 16384 pixels a side or 512 MiB when decoded; make it smaller";
    assert_eq!(refusal(png.get_ref(), "a.png"), expected);

    // A BMP header alone that promises 16,384 x 16,384 pixels of 24 bits.
    let mut bmp = Vec::from(*b"BM");
    for word in [54u32, 0, 54, 40, 16_384, 16_384, 1 | 24 << 16, 0, 0, 0, 0, 0, 0] {
        bmp.extend(word.to_le_bytes());
    }
    let expected = "the image has 16384 x 16384 pixels, more than 512 MiB when decoded; make it smaller";
    assert_eq!(refusal(&bmp, "a.bmp"), expected);
}
