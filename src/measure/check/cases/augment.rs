//! Batches from bytes: crop, flip, standardise.

use crate::Result;
use crate::kernels::augment::{self, Chunk, Gather, GatherViews, Normalize};
use crate::kernels::optimizer::State;
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, below, errors, pack_vectors};
use crate::measure::check::tolerance::Approx;
use crate::reference::augment::{Augment, Images, Normalization, gather};

const SEED: u32 = 99;
const STEP: u32 = 12;

#[derive(Clone, Copy)]
struct Setup {
    height: usize,
    width: usize,
    crop: usize,
    flip: bool,
    normalize: Normalize,
    batch: usize,
}

/// The f32 numbers of the settings, in f64.
fn twin_of(normalize: Normalize) -> Normalization {
    let wide = |values: [f32; 3]| values.map(f64::from);
    match normalize {
        // byte/255 / (1/255); the rest of the way to whole numbers is rounding.
        Normalize::Raw => Normalization::PerChannel { mean: [0.0; 3], std: [1.0 / 255.0; 3] },
        Normalize::PerImage => Normalization::PerImage,
        Normalize::PerChannel { mean, std } => Normalization::PerChannel { mean: wide(mean), std: wide(std) },
    }
}

/// Errors of one image, from its raw values, by the shader's formula.
fn bounds(raw: &[f64], normalize: Normalize) -> Vec<f64> {
    let exact = |&value: &f64| Approx::exact(value);
    match normalize {
        Normalize::Raw => vec![0.0; raw.len()],
        // v - mean is rounding only, and its mean square the same: the quotient is at most 1, and its own rounding.
        Normalize::PerImage if raw.iter().all(|value| *value == raw[0]) => vec![1.0 + 1e-5; raw.len()],
        Normalize::PerImage => {
            let count = Approx::exact(raw.len() as f64);
            let mean = Approx::sum(raw.iter().map(exact)) / count;
            let deviations: Vec<Approx> = raw.iter().map(|value| exact(value) - mean).collect();
            let variance = Approx::sum(deviations.iter().map(|&d| d * d)) / count;
            let scale = Approx::exact(1.0) / (variance.sqrt() + Approx::rounded(1e-7));
            errors(&deviations.iter().map(|&d| d * scale).collect::<Vec<_>>())
        }
        Normalize::PerChannel { mean, std } => {
            let wide = |value: f32| Approx::exact(f64::from(value));
            let mean = mean.map(|m| wide(m) * wide(255.0));
            let inverse = std.map(|s| wide(1.0) / (wide(s) * wide(255.0)));
            let each = raw.iter().enumerate().map(|(i, value)| (exact(value) - mean[i % 3]) * inverse[i % 3]);
            errors(&each.collect::<Vec<_>>())
        }
    }
}

/// Nine images in two buffers, an order with repetitions, a batch that runs over its end.
fn run(lab: &Lab, setup: Setup) -> Result<Vec<Comparison>> {
    let Setup { height, width, crop, flip, normalize, batch } = setup;
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
    let buffer = |name, part: &[u8]| {
        let words: Vec<u32> = part
            .chunks(4)
            .map(|four| four.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte)))
            .collect();
        lab.words(name, &words)
    };
    let parts = [buffer("pixels", &bytes[..split * size])?, buffer("pixels", &bytes[split * size..])?];
    let state = State { step: STEP, cursor: cursor as u32, ..State::default() };
    let state = lab.words("state", bytemuck::cast_slice(&[state]))?;
    let (labels_in, order_in) = (lab.words("labels", &labels)?, lab.words("order", &order)?);
    let images = lab.poisoned("images", batch * height * width * 4)?;
    let batch_labels = lab.poisoned("batch_labels", batch)?;
    let kernel = Gather { batch, height, width, crop, flip, normalize, seed: SEED };
    let views = GatherViews {
        labels: &labels_in.view,
        order: &order_in.view,
        state: &state.view,
        images: &images.view,
        batch_labels: &batch_labels.view,
    };
    let chunk = |part: usize, first, count| Chunk { pixels: parts[part].view.clone(), first, count };
    lab.run([
        kernel.dispatch(&chunk(0, 0, split), order.len(), views),
        kernel.dispatch(&chunk(1, split, count - split), order.len(), views),
    ])?;

    let source = Images { bytes: &bytes, height, width };
    let augment = (crop > 0 || flip).then_some(Augment { pad: crop as u32, flip, seed: SEED, step: STEP });
    let whole = |values: Vec<f64>| -> Vec<f64> { values.iter().map(|value| value.round()).collect() };
    let raw = whole(gather(source, &indices, augment, twin_of(Normalize::Raw)));
    let expected = match normalize {
        Normalize::Raw => raw.clone(),
        _ => gather(source, &indices, augment, twin_of(normalize)),
    };
    let tolerance: Vec<f64> = raw.chunks_exact(size).flat_map(|raw| bounds(raw, normalize)).collect();
    let mut comparisons = lab.check(&images, &pack_vectors(&expected, 3), &pack_vectors(&tolerance, 3))?;
    let labels: Vec<u32> = indices.iter().map(|&index| labels[index as usize]).collect();
    comparisons.extend(lab.check_words(&batch_labels, &labels)?);
    Ok(comparisons)
}

pub(super) fn cases() -> Vec<Case> {
    let per_channel = Normalize::PerChannel { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] };
    let mut cases = Vec::new();
    for (normalize, what) in
        [(Normalize::Raw, "raw"), (Normalize::PerImage, "per image"), (per_channel, "per channel")]
    {
        for (crop, flip) in [(0, false), (4, true), (0, true), (2, false)] {
            for (height, width, batch) in [(7, 5, 11), (32, 32, 16)] {
                let name = format!("{what}, {height}x{width}, crop {crop}, flip {flip}");
                let setup = Setup { height, width, crop, flip, normalize, batch };
                cases.push(Case::new(&augment::GATHER, name, move |lab| run(lab, setup)));
            }
        }
    }
    cases
}
