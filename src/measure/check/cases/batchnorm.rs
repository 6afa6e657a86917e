//! Statistics of batch norm: chunks, their join, running ones.

use super::noise::{NOISE, STEP};
use crate::Result;
use crate::gpu::{Dispatch, View};
use crate::kernels::batchnorm::{self, BatchNorm, Context, Statistics as Given};
use crate::kernels::residual::Shortcut;
use crate::kernels::{Activation, Rows};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare, compare_words};
use crate::measure::check::lab::{Lab, Tensor, errors, narrow, normals, pack, pack_vectors, uniforms};
use crate::measure::check::tolerance::Approx;
use crate::reference::batchnorm::{Statistics, running_update, statistics};
use crate::reference::{self, Shape};

const EPS: f32 = 1e-5;
const MOMENTUM: f32 = 0.1;

/// Workgroups for GPUs and for drivers that run on the CPU.
pub(super) const WORKGROUPS: [u32; 2] = [Rows::WIDE, Rows::NARROW];

/// Tiny, odd, chunks that end within an image, many channels, and a batch as in training.
const SHAPES: [Shape; 6] = [
    Shape::new(2, 1, 1, 3),
    Shape::new(3, 7, 5, 5),
    Shape::new(33, 7, 5, 18),
    Shape::new(2, 3, 7, 260),
    Shape::new(1, 1, 1025, 16),
    Shape::new(128, 32, 32, 16),
];

/// A batch norm's shape; gamma and beta (mean and variance) a whole number of 64 words apart.
pub(super) fn norm_of(shape: Shape, workgroup: u32) -> BatchNorm {
    let Shape { n: batch, h: height, w: width, c: channels } = shape;
    let stride = channels.next_multiple_of(64);
    BatchNorm { batch, height, width, channels, momentum: MOMENTUM, eps: EPS, stride, workgroup }
}

/// Two vectors as stored: NaN between the first and the second.
pub(super) fn pair(first: &[f64], second: &[f64], stride: usize) -> Vec<f64> {
    let mut stored = pack_vectors(first, first.len());
    stored.resize(stride, f64::NAN);
    stored.extend(pack_vectors(second, second.len()));
    stored
}

/// x with the channels that fill up: the statistics kernels know no difference.
struct Input {
    shape: Shape,
    x: Vec<f64>,
    norm: BatchNorm,
}

/// Mean and sum of squared deviations of a chunk, and its rows.
type Partial = [Approx; 2];

/// What x is.
#[derive(Clone, Copy, PartialEq)]
enum Values {
    /// Normals around a number; those of every third channel are so narrow that eps counts. The first row lies far out, since
    /// the shader takes it for its origin.
    Around(f64),
    /// By channel: one number all over, zeros, denormals, zeros but for one outlier.
    Extreme,
}

impl Values {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Around(0.0), "mean 0"),
        (Self::Around(1000.0), "mean 1000 x std"),
        (Self::Extreme, "extreme values"),
    ];

    fn value(self, normal: f64, i: usize, shape: Shape) -> f64 {
        let (row, c) = (i / shape.c, i % shape.c);
        match (self, c % 4) {
            (Self::Around(offset), _) => {
                let spread = if c % 3 == 1 { 1.0 / 256.0 } else { 1.0 };
                (normal + if row == 0 { 3.0 } else { 0.0 }) * spread + offset
            }
            (Self::Extreme, 0) => 3.25,
            (Self::Extreme, 2) => 1e-40 * normal.signum(),
            (Self::Extreme, 3) if row == shape.rows() / 2 => 1e4,
            (Self::Extreme, _) => 0.0,
        }
    }
}

impl Input {
    fn new(shape: Shape, values: Values, workgroup: u32) -> Self {
        let mut x = normals(110, shape.len());
        for (i, x) in x.iter_mut().enumerate() {
            *x = f64::from(values.value(*x, i, shape) as f32);
        }
        let wide = Shape { c: shape.c.next_multiple_of(4), ..shape };
        Self { shape: wide, x: pack_vectors(&x, shape.c), norm: norm_of(shape, workgroup) }
    }

    /// Rows of each chunk.
    fn counts(&self) -> Vec<usize> {
        let (rows, chunk) = (self.shape.rows(), self.norm.rows().reduction_chunk());
        (0..rows).step_by(chunk).map(|first| chunk.min(rows - first)).collect()
    }

    /// The chunks' statistics with their errors, by the shader's formula: chunk, channel.
    fn partials(&self) -> Vec<Vec<Partial>> {
        let (width, chunk) = (self.shape.c, self.norm.rows().reduction_chunk());
        let one = |rows: &[f64], c: usize| {
            let origin = Approx::exact(rows[c]);
            let d = || rows.iter().skip(c).step_by(width).map(|&x| Approx::exact(x) - origin);
            let (sum, square) = (Approx::sum(d()), Approx::sum(d().map(|d| d * d)));
            let mean = sum / Approx::exact((rows.len() / width) as f64);
            [origin + mean, square - sum * mean]
        };
        let chunks = self.x.chunks(chunk * width);
        chunks.map(|rows| (0..width).map(|c| one(rows, c)).collect()).collect()
    }

    /// Joins chunks: mean, 1/sqrt(variance + eps), unbiased variance, by the shader's formula.
    fn join(&self, partials: &[Partial]) -> [Approx; 3] {
        let rows = self.shape.rows();
        let origin = partials[0][0];
        let counts = self.counts();
        let count = |i: usize| Approx::exact(counts[i] as f64);
        let d = |i: usize| partials[i][0] - origin;
        let shift = Approx::sum((0..partials.len()).map(|i| count(i) * d(i)));
        let square = Approx::sum((0..partials.len()).map(|i| partials[i][1] + count(i) * d(i) * d(i)));
        let count = Approx::exact(rows as f64);
        let m2 = square - shift * (shift / count);
        let invstd = Approx::exact(1.0) / (m2 / count + Approx::exact(f64::from(EPS))).sqrt();
        [origin + shift / count, invstd, m2 / Approx::exact((rows - 1) as f64)]
    }
}

fn statistics_case(lab: &Lab, shape: Shape, values: Values, workgroup: u32) -> Result<Vec<Comparison>> {
    let input = Input::new(shape, values, workgroup);
    let (x, partial) = (
        lab.values("x", &pack(&input.x, input.shape))?,
        lab.poisoned("partial", input.norm.partial_words(input.norm.rows().reduction_chunk()))?,
    );
    lab.run([input.norm.statistics(&x.view, &partial.view)])?;
    let width = input.shape.c;
    let rows = input.norm.rows().reduction_chunk() * width;
    let mut expected = Vec::new();
    for (chunk, count) in input.x.chunks(rows).zip(input.counts()) {
        let Statistics { mean, variance } = statistics(chunk, Shape::new(1, 1, count, width));
        expected.extend(mean);
        expected.extend(variance.iter().map(|variance| variance * count as f64));
    }
    let bounds = input.partials();
    let counts = input.counts();
    // The twin's mean is rounded to f64 too: without any deviation it sees the squares of that.
    let largest = input.x.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let rounded = |count: usize| count as f64 * (count as f64 * f64::EPSILON * largest).powi(2);
    let twins =
        counts.iter().flat_map(|&count| [0.0, rounded(count)].into_iter().flat_map(|e| vec![e; width]));
    let bounds =
        bounds.iter().flat_map(|chunk| [0, 1].into_iter().flat_map(|k| chunk.iter().map(move |p| p[k])));
    let tolerance: Vec<f64> = bounds.zip(twins).map(|(bound, twin)| bound.error + twin).collect();
    lab.check(&partial, &expected, &tolerance)
}

/// What batchnorm/forward makes of `partial` besides y, with errors of the chunks as in `bounds`.
fn check_join(
    lab: &Lab,
    input: &Input,
    exact: &Statistics,
    bounds: &[[Approx; 3]],
    before: impl FnOnce(&Lab, &Tensor) -> Result<(Tensor, Vec<Dispatch>)>,
) -> Result<Vec<Comparison>> {
    let (norm, width) = (&input.norm, input.shape.c);
    let mut running = Statistics { mean: normals(111, width), variance: uniforms(112, width, 0.5, 2.0) };
    let stored = lab.values("running", &pair(&running.mean, &running.variance, norm.stride))?;
    let saved = lab.poisoned("saved", norm.saved_words())?;
    let x = lab.values("x", &pack(&input.x, input.shape))?;
    let y = lab.poisoned("y", norm.rows().words())?;
    let (partial, mut dispatches) = before(lab, &x)?;
    let affine = lab.values("affine", &pair(&vec![1.0; width], &vec![0.0; width], norm.stride))?;
    let context = plain(lab, saved.view.clone(), affine.view, true)?;
    let given =
        Given { partial: partial.view, chunk: norm.rows().reduction_chunk(), running: stored.view.clone() };
    dispatches.push(norm.forward(&context, &given, &x.view, &y.view));
    lab.run(dispatches)?;
    let m = Approx::exact(f64::from(MOMENTUM));
    let keep = Approx::exact(1.0) - m;
    let blend = |old: &[f64], k: usize| -> Vec<Approx> {
        old.iter().zip(bounds).map(|(&old, new)| Approx::exact(old) * keep + m * new[k]).collect()
    };
    let (mean_bound, variance_bound) = (blend(&running.mean, 0), blend(&running.variance, 2));
    running_update(&mut running, exact, input.shape.rows(), f64::from(MOMENTUM));
    let invstd = exact.variance.iter().map(|variance| 1.0 / (variance + f64::from(EPS)).sqrt());
    let expected: Vec<f64> = exact.mean.iter().copied().chain(invstd).collect();
    let tolerance: Vec<f64> = [0, 1].iter().flat_map(|&k| bounds.iter().map(move |b| b[k].error)).collect();
    let mut comparisons = lab.check(&saved, &expected, &tolerance)?;
    let (got, guard) = lab.read(&stored)?;
    comparisons.push(compare("running mean", &got[..width], &running.mean, &errors(&mean_bound)));
    let variance = &got[norm.stride..];
    comparisons.push(compare("running variance", variance, &running.variance, &errors(&variance_bound)));
    comparisons.push(guard);
    Ok(comparisons)
}

/// Batch norm without shortcut and activation.
fn plain(lab: &Lab, saved: View, affine: View, train: bool) -> Result<Context> {
    Ok(Context {
        saved,
        affine,
        shortcut: Shortcut::None,
        state: lab.state(STEP)?.view,
        activation: Activation::identity(),
        train,
        noise: NOISE,
    })
}

/// The join by itself: partials of a batch, rounded to f32, joined without rounding.
fn join_case(lab: &Lab, shape: Shape, values: Values, workgroup: u32) -> Result<Vec<Comparison>> {
    let input = Input::new(shape, values, workgroup);
    let width = input.shape.c;
    let partials: Vec<Vec<Partial>> = input
        .partials()
        .iter()
        .map(|chunk| chunk.iter().map(|p| p.map(|p| Approx::exact(f64::from(p.value as f32)))).collect())
        .collect();
    let column = |c: usize| partials.iter().map(|chunk| chunk[c]).collect::<Vec<_>>();
    let rows = input.shape.rows() as f64;
    let weights: Vec<f64> = input.counts().iter().map(|&count| count as f64).collect();
    let exact = |c: usize| {
        let chunks = || weights.iter().zip(column(c));
        let mean = chunks().map(|(count, p)| count * p[0].value).sum::<f64>() / rows;
        let m2: f64 = chunks().map(|(count, p)| p[1].value + count * (p[0].value - mean).powi(2)).sum();
        (mean, m2 / rows)
    };
    let (mean, variance) = (0..width).map(exact).unzip();
    let bounds: Vec<_> = (0..width).map(|c| input.join(&column(c))).collect();
    check_join(lab, &input, &Statistics { mean, variance }, &bounds, |lab, _| {
        let stored = partials
            .iter()
            .flat_map(|chunk| [0, 1].into_iter().flat_map(move |k| chunk.iter().map(move |p| p[k].value)));
        Ok((lab.values("partial", &stored.collect::<Vec<_>>())?, Vec::new()))
    })
}

/// Both kernels, against the twin's statistics of the whole batch.
fn chain_case(lab: &Lab, shape: Shape, values: Values, workgroup: u32) -> Result<Vec<Comparison>> {
    let input = Input::new(shape, values, workgroup);
    let partials = input.partials();
    let column = |c: usize| partials.iter().map(|chunk| chunk[c]).collect::<Vec<_>>();
    let bounds: Vec<_> = (0..input.shape.c).map(|c| input.join(&column(c))).collect();
    check_join(lab, &input, &statistics(&input.x, input.shape), &bounds, |lab, x| {
        let partial =
            lab.poisoned("partial", input.norm.partial_words(input.norm.rows().reduction_chunk()))?;
        let dispatch = input.norm.statistics(&x.view, &partial.view);
        Ok((partial, vec![dispatch]))
    })
}

/// Evaluation: the running statistics count and stay.
fn running_case(lab: &Lab, shape: Shape) -> Result<Vec<Comparison>> {
    let (norm, width) = (norm_of(shape, Rows::WIDE), shape.c.next_multiple_of(4));
    let (mean, variance) = (normals(113, width), uniforms(114, width, 1e-6, 3.0));
    let running = lab.values("running", &pair(&mean, &variance, norm.stride))?;
    let saved = lab.poisoned("saved", norm.saved_words())?;
    let x = lab.values("x", &vec![0.0; width])?;
    let y = lab.poisoned("y", width)?;
    let affine = lab.values("affine", &pair(&vec![1.0; width], &vec![0.0; width], norm.stride))?;
    let context = plain(lab, saved.view.clone(), affine.view, false)?;
    let partial = lab.poisoned("partial", norm.partial_words(norm.rows().reduction_chunk()))?;
    let given = Given { partial: partial.view, chunk: 1, running: running.view.clone() };
    lab.run([norm.forward(&context, &given, &x.view, &y.view)])?;
    let eps = Approx::exact(f64::from(EPS));
    let bounds: Vec<Approx> =
        variance.iter().map(|&v| Approx::exact(1.0) / (Approx::exact(v) + eps).sqrt()).collect();
    let twin = reference::batchnorm::BatchNorm {
        gamma: &vec![1.0; width],
        beta: &vec![0.0; width],
        eps: f64::from(EPS),
    };
    // The twin's normalisation of mean + 1 is invstd itself.
    let above: Vec<f64> = mean.iter().map(|mean| mean + 1.0).collect();
    let unchanged = pair(&mean, &variance, norm.stride);
    let statistics = Statistics { mean: mean.clone(), variance };
    let invstd = twin.normalize(&above, Shape::new(1, 1, 1, width), &statistics);
    let (got, guard) = lab.read(&saved)?;
    let exact = vec![0.0; width];
    let (after, _) = lab.read(&running)?;
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    Ok(vec![
        compare_words("running", &bits(&after), &bits(&narrow(&unchanged))),
        compare("mean", &got[..width], &mean, &exact),
        compare("invstd", &got[width..], &invstd, &errors(&bounds)),
        guard,
    ])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, workgroup) in SHAPES.into_iter().flat_map(|shape| WORKGROUPS.map(|w| (shape, w))) {
        for (values, what) in Values::ALL {
            let Shape { n, h, w, c } = shape;
            let name = format!("{n}x{h}x{w}x{c}, {what}, workgroups of {workgroup}");
            let join = format!("joins {name}");
            let after = format!("joins {name}, after batchnorm/statistics");
            cases.push(Case::new(&batchnorm::STATISTICS, name, move |lab| {
                statistics_case(lab, shape, values, workgroup)
            }));
            cases.push(Case::new(&batchnorm::FORWARD, join, move |lab| {
                join_case(lab, shape, values, workgroup)
            }));
            cases.push(Case::new(&batchnorm::FORWARD, after, move |lab| {
                chain_case(lab, shape, values, workgroup)
            }));
        }
    }
    for channels in [3, 16, 18, 260] {
        let shape = Shape::new(1, 1, 1, channels);
        let name = format!("running statistics of {channels} channels");
        cases.push(Case::new(&batchnorm::FORWARD, name, move |lab| running_case(lab, shape)));
    }
    cases
}
