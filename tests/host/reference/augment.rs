use super::{assert_all_close, assert_close};
use wgrad::reference::augment::{Augment, Images, Normalization, gather};
use wgrad::rng::{Sequence, Stream, philox};

const HEIGHT: usize = 7;
const WIDTH: usize = 5;
const SIZE: usize = HEIGHT * WIDTH * 3;

/// byte/255, so that bytes can be read back.
const PLAIN: Normalization = Normalization::PerChannel { mean: [0.0; 3], std: [1.0; 3] };

fn bytes(seed: u32, count: usize) -> Vec<u8> {
    let mut sequence = Sequence::new(seed, Stream::Test, 0, 0);
    (0..count * SIZE).map(|_| sequence.below(256) as u8).collect()
}

/// Crop and flip written another way: an image with its zero border, cut, every row turned round.
fn padded_crop(image: &[u8], pad: usize, dy: i64, dx: i64, flip: bool) -> Vec<u8> {
    let border = WIDTH + 2 * pad;
    let mut padded = vec![[0_u8; 3]; (HEIGHT + 2 * pad) * border];
    for (i, pixel) in image.chunks_exact(3).enumerate() {
        padded[(i / WIDTH + pad) * border + i % WIDTH + pad] = [pixel[0], pixel[1], pixel[2]];
    }
    let (top, left) = ((pad as i64 + dy) as usize, (pad as i64 + dx) as usize);
    let mut result = Vec::new();
    for y in 0..HEIGHT {
        let start = (top + y) * border + left;
        let mut row = padded[start..start + WIDTH].to_vec();
        if flip {
            row.reverse();
        }
        result.extend(row.concat());
    }
    result
}

#[test]
fn crops_and_flips_agree_with_a_padded_image() {
    let bytes = bytes(51, 6);
    let images = Images { bytes: &bytes, height: HEIGHT, width: WIDTH };
    let indices: Vec<u32> = (0..200).map(|i| (i * 5 + 2) % 6).collect();
    for pad in [0, 1, 4] {
        let augment = Augment { pad, flip: true, seed: 77, step: 9 };
        let batch = gather(images, &indices, Some(augment), PLAIN);
        for (i, got) in batch.chunks_exact(SIZE).enumerate() {
            let words = philox([i as u32, 9, 0, 0], [77, 3]);
            let shift = |word: u32| i64::from(word % (2 * pad + 1)) - i64::from(pad);
            let image = &bytes[indices[i] as usize * SIZE..][..SIZE];
            let flip = words[2] >= 0x8000_0000;
            let expected = padded_crop(image, pad as usize, shift(words[0]), shift(words[1]), flip);
            let expected: Vec<f64> = expected.into_iter().map(|byte| f64::from(byte) / 255.0).collect();
            assert_all_close(&format!("pad {pad}, sample {i}"), got, &expected, 1e-15);
        }
    }
}

/// All shifts and both directions turn up equally often, within five standard deviations.
#[test]
fn placements_are_uniform() {
    let (mut rows, mut columns, mut flips) = ([0_u32; 9], [0_u32; 9], 0);
    let count = 9000;
    for i in 0..count {
        let augment = Augment { pad: 4, flip: true, seed: 78, step: i / 128 };
        let placement = augment.placement(i % 128);
        rows[(placement.dy + 4) as usize] += 1;
        columns[(placement.dx + 4) as usize] += 1;
        flips += u32::from(placement.flip);
        let unflipped = Augment { flip: false, ..augment }.placement(i % 128);
        assert!(!unflipped.flip && (unflipped.dy, unflipped.dx) == (placement.dy, placement.dx));
    }
    let deviation = |p: f64| 5.0 * (f64::from(count) * p * (1.0 - p)).sqrt();
    for hits in rows.into_iter().chain(columns) {
        assert_close("shift", f64::from(hits), 1000.0, deviation(1.0 / 9.0));
    }
    assert_close("flips", f64::from(flips), 4500.0, deviation(0.5));
}

#[test]
fn evaluation_takes_images_as_they_are() {
    let bytes = bytes(52, 3);
    let images = Images { bytes: &bytes, height: HEIGHT, width: WIDTH };
    let normalization = Normalization::PerChannel { mean: [0.5, 0.25, 0.0], std: [0.5, 0.2, 2.0] };
    let batch = gather(images, &[2, 0], None, normalization);
    for (e, &got) in batch.iter().enumerate() {
        let byte = f64::from(bytes[if e < SIZE { 2 * SIZE + e } else { e - SIZE }]);
        let expected = match e % 3 {
            0 => byte / 127.5 - 1.0,
            1 => byte / 51.0 - 1.25,
            _ => byte / 510.0,
        };
        assert_close(&format!("element {e}"), got, expected, 1e-14);
    }
}

#[test]
fn images_are_standardised_one_by_one() {
    let bytes = bytes(53, 2);
    let images = Images { bytes: &bytes, height: HEIGHT, width: WIDTH };
    let augment = Augment { pad: 4, flip: true, seed: 5, step: 0 };
    for batch in [
        gather(images, &[1, 0], None, Normalization::PerImage),
        gather(images, &[1, 0], Some(augment), Normalization::PerImage),
    ] {
        for image in batch.chunks_exact(SIZE) {
            let mean = image.iter().sum::<f64>() / SIZE as f64;
            let variance = image.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / SIZE as f64;
            assert_close("mean", mean, 0.0, 1e-12);
            // The std of bytes is above 1, so the added 1e-7 changes the variance by less than 2e-7.
            assert_close("variance", variance, 1.0, 2e-7);
        }
    }
    // A grey image has no deviation; the added 1e-7 keeps it at zero.
    let grey = vec![9; SIZE];
    let images = Images { bytes: &grey, height: HEIGHT, width: WIDTH };
    assert_eq!(gather(images, &[0], None, Normalization::PerImage), vec![0.0; SIZE]);
}

#[test]
fn standardisation_by_hand() {
    // Six values 0, 0, 0, 30, 30, 30: mean 15, population std 15.
    let images = Images { bytes: &[0, 0, 0, 30, 30, 30], height: 1, width: 2 };
    let got = gather(images, &[0], None, Normalization::PerImage);
    let one = 15.0 / (15.0 + 1e-7);
    assert_all_close("values", &got, &[-one, -one, -one, one, one, one], 1e-15);
}
