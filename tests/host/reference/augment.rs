use super::{assert_all_close, assert_close};
use wgrad::reference::augment::{Augment, Draw, Fill, Images, Normalization, gather, mixup};
use wgrad::rng::{Sequence, Stream, philox};

const HEIGHT: usize = 7;
const WIDTH: usize = 5;
const SIZE: usize = HEIGHT * WIDTH * 3;

/// byte/255, so that bytes can be read back.
const PLAIN: Normalization<'static> = Normalization::PerChannel { mean: [0.0; 3], std: [1.0; 3] };

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
        let augment = Augment { pad, flip: true, seed: 77, step: 9, ..Augment::default() };
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
        let augment = Augment { pad: 4, flip: true, seed: 78, step: i / 128, ..Augment::default() };
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
    let augment = Augment { pad: 4, flip: true, seed: 5, step: 0, ..Augment::default() };
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

/// One row of four grey pixels, shifted by hand.
fn row_of_four(augment: Augment) -> (Vec<f64>, i64, bool) {
    let bytes: Vec<u8> = [10u8, 20, 40, 80].iter().flat_map(|&v| [v; 3]).collect();
    let images = Images { bytes: &bytes, height: 1, width: 4 };
    let got = gather(images, &[0], Some(augment), PLAIN);
    let placement = augment.placement(0);
    (got.chunks_exact(3).map(|pixel| (pixel[0] * 255.0).round()).collect(), placement.dx, placement.flip)
}

#[test]
fn borders_are_filled_as_named() {
    let mut seen = 0;
    for step in 0..200 {
        // Rows would leave the image of one row: only columns shift where dy is 0.
        let base = Augment { pad: 1, seed: 3, step, ..Augment::default() };
        if base.placement(0).dy != 0 {
            continue;
        }
        for (fill, left, right) in [
            (Fill::Zero, [0.0, 10.0, 20.0, 40.0], [20.0, 40.0, 80.0, 0.0]),
            (Fill::Edge, [10.0, 10.0, 20.0, 40.0], [20.0, 40.0, 80.0, 80.0]),
            (Fill::Reflect, [20.0, 10.0, 20.0, 40.0], [20.0, 40.0, 80.0, 40.0]),
        ] {
            let (got, dx, _) = row_of_four(Augment { fill, ..base });
            match dx {
                -1 => assert_eq!(got, left, "{fill:?}"),
                1 => assert_eq!(got, right, "{fill:?}"),
                _ => assert_eq!(got, [10.0, 20.0, 40.0, 80.0]),
            }
            seen += usize::from(dx != 0);
        }
    }
    assert!(seen > 60, "{seen}");
}

/// Keras' integer range 5: 0 with 1/5, each of +-1..4 with 1/10.
#[test]
fn signed_draws_have_keras_frequencies() {
    let (mut counts, count) = ([0u32; 9], 20_000);
    for step in 0..count {
        let augment = Augment { pad: 4, draw: Draw::Signed, seed: 6, step, ..Augment::default() };
        counts[(augment.placement(0).dx + 4) as usize] += 1;
    }
    for (shift, hits) in counts.into_iter().enumerate() {
        let p = if shift == 4 { 0.2 } else { 0.1 };
        let deviation = (f64::from(count) * p * (1.0 - p)).sqrt();
        assert_close(&format!("shift {shift}"), f64::from(hits), f64::from(count) * p, 5.0 * deviation);
    }
}

/// A ramp shifted by any fraction is the ramp at the shifted places.
#[test]
fn fractions_interpolate() {
    let (height, width) = (9, 8);
    let bytes: Vec<u8> =
        (0..height * width).flat_map(|i| [(i / width * 11 + i % width * 7) as u8; 3]).collect();
    let images = Images { bytes: &bytes, height, width };
    for step in 0..50 {
        let augment = Augment {
            draw: Draw::Fraction,
            reach: [0.9, 0.8],
            fill: Fill::Edge,
            seed: 8,
            step,
            ..Augment::default()
        };
        let placement = augment.placement(0);
        let (dy, dx) = (placement.dy as f64 + placement.part[0], placement.dx as f64 + placement.part[1]);
        assert!(dy.abs() <= 0.9 && dx.abs() <= 0.8);
        let got = gather(images, &[0], Some(augment), PLAIN);
        for (y, x) in [(1, 1), (4, 3), (7, 6)] {
            let want = (y as f64 + dy) * 11.0 + (x as f64 + dx) * 7.0;
            assert_close("value", got[(y * width + x) * 3] * 255.0, want, 1e-10);
        }
    }
}

/// In two epochs in a row every image is seen both ways, and half of them are turned in each.
#[test]
fn flips_take_turns() {
    let augment = |epoch| Augment { alternate: true, seed: 4, epoch, ..Augment::default() };
    let turned = |epoch| (0..1000).filter(|&image| augment(epoch).turned(image)).count();
    assert!((420..580).contains(&turned(0)), "{}", turned(0));
    assert_eq!(turned(0) + turned(1), 1000);
    assert!((0..1000).all(|image| augment(3).turned(image) != augment(4).turned(image)));
}

#[test]
fn cutout_leaves_a_square_of_zeros() {
    let bytes = vec![255; 32 * 32 * 3];
    let images = Images { bytes: &bytes, height: 32, width: 32 };
    let augment = Augment { cutout: 8, seed: 1, step: 5, ..Augment::default() };
    let batch = gather(images, &[0; 64], Some(augment), PLAIN);
    for (i, image) in batch.chunks_exact(32 * 32 * 3).enumerate() {
        let zeros = image.iter().filter(|&&v| v == 0.0).count() / 3;
        let inside = augment.hole(i as u32, 32, 32).map(|r| (r.end.min(32) - r.start.max(0)) as usize);
        assert_eq!(zeros, inside[0] * inside[1]);
        assert!((16..=64).contains(&zeros));
    }
}

#[test]
fn normalising_first_leaves_the_border_at_zero() {
    let bytes = bytes(54, 1);
    let images = Images { bytes: &bytes, height: HEIGHT, width: WIDTH };
    let normalization = Normalization::PerChannel { mean: [0.5; 3], std: [0.25; 3] };
    let first = Augment { pad: 4, seed: 1, step: 2, normalize_first: true, ..Augment::default() };
    let last = Augment { normalize_first: false, ..first };
    let (a, b) = (
        gather(images, &[0; 9], Some(first), normalization),
        gather(images, &[0; 9], Some(last), normalization),
    );
    let differ = a.iter().zip(&b).filter(|(a, b)| a != b).map(|(a, b)| (*a, *b)).collect::<Vec<_>>();
    assert!(!differ.is_empty() && differ.iter().all(|pair| *pair == (0.0, -2.0)), "{:?}", &differ[..1]);
}

#[test]
fn statistics_of_pixels_and_tensorflows_floor() {
    let images = Images { bytes: &[0, 10, 20, 30, 40, 50], height: 1, width: 2 };
    let (mean, factor) = ([0.0, 5.0, 10.0, 15.0, 20.0, 25.0], [1.0, 2.0, 1.0, 0.5, 1.0, 1.0]);
    let got = gather(images, &[0], None, Normalization::PerPixel { mean: &mean, factor: &factor });
    assert_eq!(got, [0.0, 10.0, 10.0, 7.5, 20.0, 25.0]);
    // Values 7 and 8: deviation 1/2 is above 1/sqrt(6); a grey image has none, and the floor divides.
    let images = Images { bytes: &[7, 7, 7, 8, 8, 8, 9, 9, 9, 9, 9, 9], height: 1, width: 2 };
    let got = gather(images, &[0, 1], None, Normalization::PerImageAdjusted);
    assert_all_close("adjusted", &got, &[-1., -1., -1., 1., 1., 1., 0., 0., 0., 0., 0., 0.], 1e-15);
}

#[test]
fn mixtures_pair_first_and_last() {
    let mut batch = [1.0, 2.0, 10.0, 20.0, 100.0, 200.0];
    mixup(&mut batch, 2, 0.75);
    assert_eq!(batch, [25.75, 51.5, 10.0, 20.0, 75.25, 150.5]);
}
