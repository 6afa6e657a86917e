//! Batches from bytes: shift, flip, standardise, cut out, mix.

use crate::Result;
use crate::kernels::augment::{
    self, Augment, Chunk, Fill, Flip, Gather, GatherViews, Normalize, PixelScale, Shift,
};
use crate::kernels::optimizer::State;
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare};
use crate::measure::check::lab::{Lab, below, errors, normals, pack_vectors};
use crate::measure::check::tolerance::{Approx, ULP};
use crate::reference::augment as twin;

const SEED: u32 = 99;
const STEP: u32 = 12;

#[derive(Clone)]
struct Setup {
    height: usize,
    width: usize,
    augment: Augment,
    normalize: Normalize,
    batch: usize,
    epoch: u32,
    /// Whether the host has gathered the batch.
    gathered: bool,
}

/// The f32 numbers of the settings, in f64: means and factors of a pixel's places, for [`Normalize::PerPixel`].
fn places(normalize: &Normalize) -> [Vec<f64>; 2] {
    let Normalize::PerPixel(all) = normalize else { return [Vec::new(), Vec::new()] };
    let wide = |of: fn(&PixelScale) -> [f32; 4]| -> Vec<f64> {
        all.iter().flat_map(|scale| of(scale).into_iter().take(3).map(f64::from)).collect()
    };
    [wide(|scale| scale.mean), wide(|scale| scale.factor)]
}

fn twin_of<'a>(normalize: &Normalize, [mean, factor]: &'a [Vec<f64>; 2]) -> twin::Normalization<'a> {
    let wide = |values: [f32; 3]| values.map(f64::from);
    match *normalize {
        // byte/255 / (1/255); the rest of the way to whole numbers is rounding.
        Normalize::Raw => twin::Normalization::PerChannel { mean: [0.0; 3], std: [1.0 / 255.0; 3] },
        Normalize::Scaled => twin::Normalization::PerChannel { mean: [0.0; 3], std: [1.0; 3] },
        Normalize::PerImage => twin::Normalization::PerImage,
        Normalize::PerImageAdjusted => twin::Normalization::PerImageAdjusted,
        Normalize::PerChannel { mean, std } => {
            twin::Normalization::PerChannel { mean: wide(mean), std: wide(std) }
        }
        Normalize::PerPixel(_) => twin::Normalization::PerPixel { mean, factor },
    }
}

/// The settings as the twin has them.
fn twin_augment(setup: &Setup) -> twin::Augment {
    let Augment { shift, fill, flip, cutout, normalize_first } = setup.augment;
    let (draw, pad, share) = match shift {
        Shift::Whole { most } => (twin::Draw::Uniform, most, 0.0),
        Shift::KerasWhole { most } => (twin::Draw::Signed, most, 0.0),
        Shift::Fraction { share } => (twin::Draw::Fraction, 0, share),
    };
    twin::Augment {
        pad,
        draw,
        reach: [setup.height, setup.width].map(|size| f64::from(share * size as f32)),
        fill: match fill {
            Fill::Zero => twin::Fill::Zero,
            Fill::Reflect => twin::Fill::Reflect,
            Fill::Edge => twin::Fill::Edge,
        },
        flip: flip == Flip::Random,
        alternate: flip == Flip::Alternate,
        cutout,
        normalize_first,
        seed: SEED,
        step: STEP,
        epoch: setup.epoch,
    }
}

/// Whether an image has no deviation but what rounding makes.
fn constant(raw: &[Approx]) -> bool {
    raw.iter().all(|value| (value.value - raw[0].value).abs() <= value.error)
}

/// Normalised values of one image with their errors, from its raw values with theirs, by the shader's formula.
fn bounds(raw: &[Approx], normalize: &Normalize) -> Vec<Approx> {
    let wide = |value: f32| Approx::exact(f64::from(value));
    match normalize {
        Normalize::Raw => raw.to_vec(),
        Normalize::Scaled => raw.iter().map(|&value| value * Approx::rounded(1.0 / 255.0)).collect(),
        Normalize::PerImage | Normalize::PerImageAdjusted if constant(raw) => {
            // v - mean is rounding only, and its mean square the same: by the deviation the quotient is at most 1, and its own
            // rounding; by the floor it is that rounding over 1/sqrt(values).
            let count = Approx::exact(raw.len() as f64);
            let mean = Approx::sum(raw.iter().copied()) / count;
            let error = match normalize {
                Normalize::PerImage => 1.0 + 1e-5,
                _ => 1.01 * (mean.error + raw[0].error) * count.value.sqrt(),
            };
            vec![Approx { value: 0.0, error }; raw.len()]
        }
        Normalize::PerImage | Normalize::PerImageAdjusted => {
            let count = Approx::exact(raw.len() as f64);
            let mean = Approx::sum(raw.iter().copied()) / count;
            let deviations: Vec<Approx> = raw.iter().map(|&value| value - mean).collect();
            let deviation = (Approx::sum(deviations.iter().map(|&d| d * d)) / count).sqrt();
            let divisor = match normalize {
                Normalize::PerImage => deviation + Approx::rounded(1e-7),
                // The images of the cases lie far above the floor.
                _ => deviation,
            };
            let scale = Approx::exact(1.0) / divisor;
            deviations.iter().map(|&d| d * scale).collect()
        }
        Normalize::PerChannel { mean, std } => {
            let mean = mean.map(|m| wide(m) * wide(255.0));
            let inverse = std.map(|s| wide(1.0) / (wide(s) * wide(255.0)));
            raw.iter().enumerate().map(|(i, &value)| (value - mean[i % 3]) * inverse[i % 3]).collect()
        }
        Normalize::PerPixel(all) => {
            let each = |i: usize| (wide(all[i / 3].mean[i % 3]), wide(all[i / 3].factor[i % 3]));
            raw.iter().enumerate().map(|(i, &value)| (value - each(i).0) * each(i).1).collect()
        }
    }
}

/// Error of a bilinear mean of values up to `most`. Rows and columns are known to a few roundings of the distance, which is
/// below the size; each of three means of two rounds four times.
fn bilinear_error(setup: &Setup, most: f64) -> f64 {
    let Shift::Fraction { share } = setup.augment.shift else { return 0.0 };
    let reach = f64::from(share) * (setup.height + setup.width) as f64;
    let place = 3.0 * ULP * (reach + 2.0);
    2.0 * most * place + 12.0 * ULP * most
}

/// Tolerances of the whole batch: the shifted raw images, then normalised; or normalised ones, shifted.
fn tolerances(setup: &Setup, source: twin::Images, indices: &[u32]) -> Vec<f64> {
    let (size, augment) = (setup.height * setup.width * 3, twin_augment(setup));
    let plain = places(&Normalize::Raw);
    let raw = |augment| twin::gather(source, indices, augment, twin_of(&Normalize::Raw, &plain));
    if augment.normalize_first {
        return raw(None)
            .chunks_exact(size)
            .flat_map(|image| {
                let image: Vec<Approx> = image.iter().map(|v| Approx::exact(v.round())).collect();
                let values = bounds(&image, &setup.normalize);
                let most = values.iter().map(|v| v.value.abs() + v.error).fold(0.0, f64::max);
                let error = values.iter().map(|v| v.error).fold(0.0, f64::max);
                vec![error + bilinear_error(setup, most); size]
            })
            .collect();
    }
    let error = bilinear_error(setup, 255.0);
    let moved = twin::Augment { cutout: 0, ..augment };
    let value = |v: &f64| match setup.augment.shift {
        Shift::Fraction { .. } => Approx { value: *v, error },
        _ => Approx::exact(v.round()),
    };
    raw(Some(moved))
        .chunks_exact(size)
        .flat_map(|image| errors(&bounds(&image.iter().map(value).collect::<Vec<_>>(), &setup.normalize)))
        .collect()
}

/// Four bytes a word, the first one lowest.
fn packed(bytes: &[u8]) -> Vec<u32> {
    let word = |four: &[u8]| four.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
    bytes.chunks(4).map(word).collect()
}

/// Nine images in two buffers, or the batch's own in one; an order with repetitions, a batch that runs over its end.
fn run(lab: &Lab, setup: &Setup) -> Result<Vec<Comparison>> {
    let &Setup { height, width, batch, epoch, gathered, .. } = setup;
    let (count, split, cursor) = (9, 4, 5);
    let size = height * width * 3;
    let mut bytes: Vec<u8> = below(100, count * size, 256).iter().map(|&byte| byte as u8).collect();
    // Images without any deviation: grey, black, white.
    for (image, value) in [(2, 77), (3, 0), (5, 255)] {
        bytes[image * size..(image + 1) * size].fill(value);
    }
    let order = below(101, cursor + batch - 2, count as u32);
    let labels: Vec<u32> = below(102, count, 1000);
    let indices: Vec<u32> = (0..batch).map(|n| order[(cursor + n).min(order.len() - 1)]).collect();
    let buffer = |name, part: &[u8]| lab.words(name, &packed(part));
    let parts = [buffer("pixels", &bytes[..split * size])?, buffer("pixels", &bytes[split * size..])?];
    let state = State { step: STEP, cursor: cursor as u32, epoch, ..State::default() };
    let state = lab.words("state", bytemuck::cast_slice(&[state]))?;
    let (labels_in, order_in) = (lab.words("labels", &labels)?, lab.words("order", &order)?);
    let images = lab.poisoned("images", batch * height * width * 4)?;
    let batch_labels = lab.poisoned("batch_labels", batch)?;
    let (augment, normalize) = (setup.augment, setup.normalize.clone());
    let statistics = normalize.statistics(lab.gpu)?.view();
    let kernel = Gather { batch, height, width, augment, normalize, seed: SEED };
    let views = GatherViews {
        labels: &labels_in.view,
        order: &order_in.view,
        state: &state.view,
        statistics: &statistics,
        images: &images.view,
        batch_labels: &batch_labels.view,
    };
    let chunk = |part: usize, first, count| Chunk { pixels: parts[part].view.clone(), first, count };
    if gathered {
        let own: Vec<u8> =
            indices.iter().flat_map(|&i| &bytes[i as usize * size..][..size]).copied().collect();
        let own = buffer("batch pixels", &own)?;
        lab.run([kernel.dispatch_gathered(&own.view, order.len(), views)])?;
    } else {
        lab.run([
            kernel.dispatch(&chunk(0, 0, split), order.len(), views),
            kernel.dispatch(&chunk(1, split, count - split), order.len(), views),
        ])?;
    }

    let source = twin::Images { bytes: &bytes, height, width };
    let places = places(&setup.normalize);
    let raw = setup.normalize == Normalize::Raw && !matches!(setup.augment.shift, Shift::Fraction { .. });
    let mut expected =
        twin::gather(source, &indices, Some(twin_augment(setup)), twin_of(&setup.normalize, &places));
    if raw {
        expected.iter_mut().for_each(|value| *value = value.round());
    }
    let tolerance = tolerances(setup, source, &indices);
    let mut comparisons = lab.check(&images, &pack_vectors(&expected, 3), &pack_vectors(&tolerance, 3))?;
    let labels: Vec<u32> = indices.iter().map(|&index| labels[index as usize]).collect();
    comparisons.extend(lab.check_words(&batch_labels, &labels)?);
    Ok(comparisons)
}

/// Mixtures of an odd number of images: the middle one stays.
fn mixup(lab: &Lab, batch: usize, share: f32) -> Result<Vec<Comparison>> {
    let (pixels, size) = (35, 35 * 4);
    let mut own = normals(103, batch * size);
    let images = lab.values("images", &own)?;
    let state = lab.words("state", bytemuck::cast_slice(&[State { share, ..State::default() }]))?;
    lab.run([augment::mixup(batch, pixels, &state.view, &images.view)])?;
    let (share, rest) =
        (Approx::exact(f64::from(share)), Approx::exact(1.0) - Approx::exact(f64::from(share)));
    let other: Vec<f64> = own.chunks_exact(size).rev().flatten().copied().collect();
    let middle = |i: usize| batch % 2 == 1 && i / size == batch / 2;
    let bound = own.iter().zip(other).enumerate().map(|(i, (&a, b))| match middle(i) {
        true => Approx::exact(a),
        false => share * Approx::exact(a) + rest * Approx::exact(b),
    });
    let tolerance = errors(&bound.collect::<Vec<_>>());
    twin::mixup(&mut own, size, share.value);
    let mut all = lab.check(&images, &own, &tolerance)?;
    if batch == 1 {
        all.push(compare("the only image", &lab.read(&images)?.0, &own, &vec![0.0; own.len()]));
    }
    Ok(all)
}

/// Statistics of a pixel's places such as images have.
fn per_pixel(height: usize, width: usize) -> Normalize {
    let scale = |i: usize| PixelScale {
        mean: [100.0 + i as f32 * 0.37, 120.5 - i as f32 * 0.11, 90.25, 0.0],
        factor: [1.0 / 64.0, 1.0 / (50.0 + i as f32 * 0.01), 1.0 / 255.0, 0.0],
    };
    Normalize::PerPixel((0..height * width).map(scale).collect())
}

fn all_augments() -> Vec<(&'static str, Augment)> {
    let none = Augment::NONE;
    let whole = |most| Shift::Whole { most };
    let fraction = Shift::Fraction { share: 0.1 };
    vec![
        ("nothing", none),
        ("crop 4, flip", Augment { shift: whole(4), flip: Flip::Random, ..none }),
        ("flip", Augment { flip: Flip::Random, ..none }),
        ("crop 2", Augment { shift: whole(2), ..none }),
        (
            "crop 2 mirrored, flips in turn",
            Augment { shift: whole(2), fill: Fill::Reflect, flip: Flip::Alternate, ..none },
        ),
        ("Keras' whole shift", Augment { shift: Shift::KerasWhole { most: 4 }, flip: Flip::Random, ..none }),
        ("fraction, edge, flip", Augment { shift: fraction, fill: Fill::Edge, flip: Flip::Random, ..none }),
        ("fraction, normalised first, zero", Augment { shift: fraction, normalize_first: true, ..none }),
        (
            "crop 4, normalised first, cutout",
            Augment { shift: whole(4), flip: Flip::Random, cutout: 3, normalize_first: true, ..none },
        ),
        ("crop 1 by edge, cutout", Augment { shift: whole(1), fill: Fill::Edge, cutout: 4, ..none }),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let per_channel = Normalize::PerChannel { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] };
    let mut cases = Vec::new();
    for (what, augment) in all_augments() {
        for (height, width, batch) in [(7, 5, 11), (32, 32, 16)] {
            for (normalize, how) in [
                (Normalize::Raw, "raw"),
                (Normalize::Scaled, "scaled"),
                (Normalize::PerImage, "per image"),
                (Normalize::PerImageAdjusted, "per image adjusted"),
                (per_channel.clone(), "per channel"),
                (per_pixel(height, width), "per pixel"),
            ] {
                for (gathered, by) in [(false, ""), (true, ", gathered by the host")] {
                    let name = format!("{how}, {height}x{width}, {what}{by}");
                    let normalize = normalize.clone();
                    let setup = Setup { height, width, augment, normalize, batch, epoch: 3, gathered };
                    cases.push(Case::new(&augment::GATHER, name, move |lab| run(lab, &setup)));
                }
            }
        }
    }
    for (batch, share) in [(1, 0.3), (2, 0.25), (7, 0.9), (130, 0.7)] {
        let name = format!("batch {batch}, share {share}");
        cases.push(Case::new(&augment::MIXUP, name, move |lab| mixup(lab, batch, share)));
    }
    cases
}
