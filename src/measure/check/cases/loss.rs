//! Softmax cross-entropy and the collection of logits.

use crate::Result;
use crate::kernels::groups_of_four;
use crate::kernels::loss::{self, CrossEntropy};
use crate::kernels::optimizer::State;
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare, untouched};
use crate::measure::check::lab::{Lab, below, errors, normals, pack_vectors};
use crate::measure::check::tolerance::Approx;
use crate::reference;

/// Normals; the first image has a tie, the second one logit far above the others, the third large numbers of both signs.
fn logits(batch: usize, classes: usize) -> Vec<f64> {
    let mut logits = normals(70, batch * classes);
    logits[..classes].fill(0.5);
    if batch > 2 {
        logits[classes + 1] = 88.0;
        let large = (0..classes).map(|k| if k % 2 == 0 { 1e4 } else { -1e4 });
        logits[2 * classes..3 * classes].iter_mut().zip(large).for_each(|(x, large)| *x += large);
    }
    logits.iter().map(|&x| f64::from(x as f32)).collect()
}

/// Loss and gradient of one image with their errors, by the shader's formula.
fn bounds(logits: &[f64], label: usize, smoothing: f64, batch: usize) -> (Approx, Vec<Approx>) {
    let highest = logits.iter().copied().fold(f64::MIN, f64::max);
    let (classes, batch) = (Approx::exact(logits.len() as f64), Approx::exact(batch as f64));
    let smoothing = Approx::exact(smoothing);
    let own = Approx::exact(1.0) - smoothing;
    let shifted: Vec<Approx> = logits.iter().map(|&x| Approx::exact(x) - Approx::exact(highest)).collect();
    let total = Approx::sum(shifted.iter().map(|x| x.exp()));
    let gradient = shifted.iter().enumerate().map(|(k, x)| {
        let hot = if k == label { own } else { Approx::exact(0.0) };
        (x.exp() / total - (smoothing / classes + hot)) / batch
    });
    let mean = Approx::sum(shifted.iter().map(|&x| x / classes));
    (total.ln() - own * shifted[label] - smoothing * mean, gradient.collect())
}

fn cross_entropy(
    lab: &Lab,
    batch: usize,
    classes: usize,
    smoothing: f32,
    scale: f32,
) -> Result<Vec<Comparison>> {
    let input = logits(batch, classes);
    let mut targets = below(71, batch, classes as u32);
    targets[0] = 0; // of a tie the first counts: right here
    let (record, records) = (3, 5);
    let logits = lab.values("logits", &pack_vectors(&input, classes))?;
    let labels = lab.words("labels", &targets)?;
    let state = lab.words("state", bytemuck::cast_slice(&[State { record, scale, ..State::default() }]))?;
    let dlogits = lab.poisoned("dlogits", batch * groups_of_four(classes) * 4)?;
    let out = lab.poisoned("records", records * 2)?;
    let layer = CrossEntropy { batch, classes, smoothing, mixup: false };
    lab.run([layer.forward(&logits.view, &labels.view, &state.view, &dlogits.view, &out.view)])?;

    let twin = reference::loss::cross_entropy(&input, &targets, classes, f64::from(smoothing));
    let each: Vec<(Approx, Vec<Approx>)> = input
        .chunks_exact(classes)
        .zip(&targets)
        .map(|(row, &label)| bounds(row, label as usize, f64::from(smoothing), batch))
        .collect();
    // A power of two: no rounding.
    let factor = f64::from(scale);
    let grown = |v: &Approx| Approx { value: v.value * factor, error: v.error * factor };
    let gradients: Vec<Approx> = each.iter().flat_map(|row| row.1.iter().map(grown)).collect();
    let expected: Vec<f64> = twin.dlogits.iter().map(|slope| slope * factor).collect();
    let loss = Approx::sum(each.iter().map(|row| row.0));
    let mut comparisons =
        lab.check(&dlogits, &pack_vectors(&expected, classes), &pack_vectors(&errors(&gradients), classes))?;
    let (got, guard) = lab.read(&out)?;
    let at = 2 * record as usize;
    let expected = [twin.mean * batch as f64, twin.correct as f64];
    comparisons.push(compare("record (loss, correct)", &got[at..at + 2], &expected, &[loss.error, 0.0]));
    comparisons.push(untouched("records before", &got[..at]));
    comparisons.push(untouched("records after", &got[at + 2..]));
    comparisons.push(guard);
    Ok(comparisons)
}

/// Mixed targets: the loss is linear in them, so the twin's is share * its own + (1 - share) * that of the reversed labels.
fn mixed(lab: &Lab, batch: usize, classes: usize, smoothing: f32, share: f32) -> Result<Vec<Comparison>> {
    let input = logits(batch, classes);
    let own = below(73, batch, classes as u32);
    let other: Vec<u32> = own.iter().rev().copied().collect();
    let logits = lab.values("logits", &pack_vectors(&input, classes))?;
    let labels = lab.words("labels", &own)?;
    let state = lab.words("state", bytemuck::cast_slice(&[State { share, ..State::default() }]))?;
    let dlogits = lab.poisoned("dlogits", batch * groups_of_four(classes) * 4)?;
    let out = lab.poisoned("records", 2)?;
    let layer = CrossEntropy { batch, classes, smoothing, mixup: true };
    lab.run([layer.forward(&logits.view, &labels.view, &state.view, &dlogits.view, &out.view)])?;
    let (smoothing, wide) = (f64::from(smoothing), f64::from(share));
    let twins =
        [&own, &other].map(|labels| reference::loss::cross_entropy(&input, labels, classes, smoothing));
    let mix = |a: f64, b: f64| wide * a + (1.0 - wide) * b;
    let (mut gradients, mut losses) = (Vec::new(), Vec::new());
    for (n, row) in input.chunks_exact(classes).enumerate() {
        let both = [own[n], other[n]].map(|label| bounds(row, label as usize, smoothing, batch));
        let shares = [Approx::exact(wide), Approx::exact(1.0) - Approx::exact(wide)];
        losses.push(shares[0] * both[0].0 + shares[1] * both[1].0);
        gradients.extend((0..classes).map(|k| shares[0] * both[0].1[k] + shares[1] * both[1].1[k]));
    }
    let expected: Vec<f64> =
        twins[0].dlogits.iter().zip(&twins[1].dlogits).map(|(&a, &b)| mix(a, b)).collect();
    let mut comparisons =
        lab.check(&dlogits, &pack_vectors(&expected, classes), &pack_vectors(&errors(&gradients), classes))?;
    let (got, guard) = lab.read(&out)?;
    let right = mix(twins[0].correct as f64, twins[1].correct as f64);
    let expected = [mix(twins[0].mean, twins[1].mean) * batch as f64, right];
    // Each image counts share or 1 - share or their sum, in sums of at most `batch` terms.
    let counted = Approx::sum((0..batch).map(|_| Approx::rounded(1.0))).error;
    let tolerance = [Approx::sum(losses).error, counted];
    comparisons.push(compare("record (loss, correct)", &got, &expected, &tolerance));
    comparisons.push(guard);
    Ok(comparisons)
}

/// A batch whose last images lie beyond the end.
fn collect(lab: &Lab, batch: usize, classes: usize) -> Result<Vec<Comparison>> {
    let (cursor, images, width) = (7, 7 + batch - 2, groups_of_four(classes) * 4);
    let input = pack_vectors(&normals(72, batch * classes), classes);
    let logits = lab.values("logits", &input)?;
    let state = State { cursor: cursor as u32, ..State::default() };
    let state = lab.words("state", bytemuck::cast_slice(&[state]))?;
    // Room for the images that may not be written.
    let results = lab.poisoned("results", (images + 2) * width)?;
    lab.run([loss::collect(batch, classes, images, &logits.view, &state.view, &results.view)])?;
    let (got, guard) = lab.read(&results)?;
    let expected = &input[..(batch - 2) * width];
    Ok(vec![
        untouched("results before", &got[..cursor * width]),
        compare("results", &got[cursor * width..images * width], expected, &vec![0.0; expected.len()]),
        untouched("results beyond the end", &got[images * width..]),
        guard,
    ])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (batch, classes, smoothing, scale) in [
        (3, 10, 0.0, 1.0),
        (3, 10, 0.1, 1.0),
        (1, 5, 0.1, 1.0),
        (130, 10, 0.1, 1.0),
        (300, 10, 0.0, 1.0),
        (7, 100, 0.3, 1.0),
        (5, 2, 0.0, 1.0),
        (7, 10, 0.1, 65_536.0),
    ] {
        let name = format!("batch {batch}, {classes} classes, smoothing {smoothing}, scale {scale}");
        cases.push(Case::new(&loss::CROSS_ENTROPY, name, move |lab| {
            cross_entropy(lab, batch, classes, smoothing, scale)
        }));
    }
    for (batch, classes, smoothing, share) in [(3, 10, 0.0, 0.7), (130, 10, 0.1, 0.25), (7, 5, 0.0, 1.0)] {
        let name = format!("mixed, batch {batch}, {classes} classes, smoothing {smoothing}, share {share}");
        cases.push(Case::new(&loss::CROSS_ENTROPY, name, move |lab| {
            mixed(lab, batch, classes, smoothing, share)
        }));
    }
    for (batch, classes) in [(5, 10), (130, 7)] {
        let name = format!("batch {batch}, {classes} classes, the last two beyond the end");
        cases.push(Case::new(&loss::COLLECT, name, move |lab| collect(lab, batch, classes)));
    }
    cases
}
