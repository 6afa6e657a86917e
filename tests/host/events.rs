//! Event files of TensorBoard: their frames, by the format's own description.

use std::fs;

use wgrad::interop::tensorboard::{EventFile, confusion_image, sheet};

/// CRC-32C bit by bit (Castagnoli's polynomial, reflected), masked as TFRecord has it.
fn masked_crc(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    let crc = !crc;
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The messages of a file, whose checksums must be right.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        assert_eq!(word(8), masked_crc(&rest[..8]));
        let message = &rest[12..12 + length];
        assert_eq!(word(12 + length), masked_crc(message));
        found.push(message.to_vec());
        rest = &rest[16 + length..];
    }
    found
}

fn holds(message: &[u8], part: &[u8]) -> bool {
    message.windows(part.len()).any(|window| window == part)
}

#[test]
fn records_have_their_frames() {
    assert_eq!(masked_crc(b"123456789"), 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8));
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("tensorboard");
    let mut events = EventFile::create(&at).unwrap();
    events.scalars(7, &[("loss/train", 0.5), ("lr", f64::NAN)]).unwrap();
    events.image(7, "images", 2, vec![9; 12]).unwrap();
    assert!(events.image(7, "images", 5, vec![9; 13]).is_err());
    let entries: Vec<_> = fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].file_name().unwrap().to_str().unwrap().starts_with("events.out.tfevents."));
    let records = records(&fs::read(&entries[0]).unwrap());
    assert_eq!(records.len(), 3);
    assert!(holds(&records[0], b"brain.Event:2"));
    // Field 2 of the event, a varint: step 7. Field 2 of a value, a float: 0.5.
    assert!(holds(&records[1], &[0x10, 7]) && holds(&records[1], b"\x0a\x0aloss/train\x15\x00\x00\x00\x3f"));
    assert!(holds(&records[2], b"\x89PNG"));
}

#[test]
fn pictures_show_what_they_should() {
    let (width, pixels) = confusion_image(&[vec![3, 1], vec![0, 0]]);
    assert_eq!((width, pixels.len()), (32, 32 * 32 * 3));
    let at = |x: usize, y: usize| &pixels[(y * 32 + x) * 3..][..3];
    assert_eq!((at(8, 8), at(24, 24), at(0, 5)), (&[70, 100, 144][..], &[255; 3][..], &[200; 3][..]));
    let images: Vec<Vec<u8>> = (0..5).map(|i| vec![i; 12]).collect();
    let (width, pixels) = sheet(5, 2, 2, |i| &images[i]);
    assert_eq!(width, 4);
    let firsts: Vec<u8> = pixels.chunks_exact(6).map(|part| part[0]).collect();
    assert_eq!(firsts, [0, 1, 0, 1, 2, 3, 2, 3], "whole rows of two, the fifth is left out");
}
