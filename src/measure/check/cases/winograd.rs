//! Winograd's convolutions: the transformed weights, and how far the sums may be off.

use super::conv::{conv_of, name, twin_of};
use super::conv_inputs::Sizes;
use crate::Result;
use crate::gpu::{Dispatch, View};
use crate::kernels::conv::{
    Conv, Direction, Filters, TransformedWeights, WINOGRAD_WEIGHTS, winograd_weights,
};
use crate::kernels::groups_of_four;
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, Tensor, abs, normals, pack_filters};
use crate::measure::check::tolerance::{TINY, ULP, sum_of_products};
use crate::reference::{self, Shape, winograd::Winograd};

const BLOCK: usize = 16;
const SHAPES: &[Sizes] = &[
    [1, 4, 4, 5, 18, 3, 1, 1],
    [1, 4, 4, 16, 16, 3, 1, 1],
    [1, 4, 4, 64, 33, 3, 1, 1],
    [1, 4, 4, 3, 1, 3, 1, 1],
];

/// The matrices of a form, and how many roundings a term of the transforms' sums takes part in, besides those of the sum
/// over the channels.
///
/// Weights, each of two stages: the rounded entry of G, the product, two additions: 8. F(2x2): input, a product by 1 or -1
/// with a sum (one fma, or two roundings), then a difference: 3; output, fma and a sum, then two sums: 5; product U*V: 1.
/// F(4x4): input, each of two stages at most 4 (fma, product by 1.5, sum), its entries are exact: 8; output, each stage at
/// most 4: 8; product: 1.
fn form(filters: Filters) -> (Winograd, usize) {
    match filters {
        Filters::Plain => unreachable!("only asked of transformed weights"),
        Filters::Winograd2 => (Winograd::f2(), 8 + 3 + 1 + 5),
        Filters::Winograd4 => (Winograd::f4(), 8 + 8 + 1 + 8),
    }
}

/// How far each output may be off.
///
/// Written out, an output is the sum over channels c, points p, pixels i and taps t of At_p * Bt_pi * G_pt * x_ci * w_ct (each
/// matrix twice, for rows and columns). What a device computes is that sum with (1+d_1)...(1+d_k) at each term, |d| <= ULP,
/// where k counts the roundings that the term takes part in: those of [`form`] and one for each channel. So, as for any sum
/// of products, its error is at most gamma(k) (or the probable bound for long sums) times the sum of the terms' magnitudes,
/// which is the convolution of |x| and |w| by the matrices' magnitudes: this is where Winograd loses accuracy. A step that
/// flushes a denormal is off by TINY instead; before the products that is ULP times a value of TINY/ULP, which is added to
/// |x| and |w|; after them, TINY times what At makes of it.
pub(super) fn tolerance(
    filters: Filters,
    x: &[f64],
    shape: Shape,
    weight: &[f64],
    out_channels: usize,
) -> Vec<f64> {
    let (matrices, roundings) = form(filters);
    let bound = matrices.magnitudes();
    let magnitude = bound.forward(&floored(x), shape, &floored(weight), out_channels);
    let terms = shape.c + roundings;
    magnitude.iter().map(|&m| sum_of_products(terms, m) + flushed(&bound, terms)).collect()
}

/// How far each tap of the weights' gradient by F(3x3,4x4) may be off, as [`tolerance`], with the matrices' roles exchanged:
/// roundings of x 8, as there; of dy, each of two stages at most 3 (product by 1/2 or 3/2, fma, sum): 6; product: 1; from points to
/// taps, each of two stages at most 6 (a sum, a rounded ninth, its product, the product by 9/4, two sums): 12; and one for each
/// tile's sum, and for the parts'.
pub(super) fn gradient_tolerance(x: &[f64], shape: Shape, dy: &[f64], output: Shape) -> Vec<f64> {
    let bound = Winograd::f4_gradient().magnitudes();
    let magnitude = bound.weight_gradient(&floored(x), shape, &floored(dy), output);
    let tiles = shape.n * shape.h.div_ceil(4) * shape.w.div_ceil(4);
    let terms = tiles + 8 + 6 + 1 + 12 + 1;
    magnitude.iter().map(|&m| sum_of_products(terms, m) + flushed(&bound, terms)).collect()
}

/// Magnitudes, where a value that is flushed to zero is one of TINY/ULP at most.
fn floored(values: &[f64]) -> Vec<f64> {
    abs(values).iter().map(|value| value + TINY / ULP).collect()
}

/// What an output is off where products and sums of `terms` are flushed.
fn flushed(bound: &Winograd, terms: usize) -> f64 {
    let most = bound.output.iter().map(|row| row.iter().sum::<f64>()).fold(0.0, f64::max).powi(2);
    TINY * terms as f64 * most
}

/// The weights in the form that a candidate reads: the view to bind, and the dispatch that fills it.
pub(super) fn filters(
    lab: &Lab,
    conv: &Conv,
    direction: Direction,
    filters: Filters,
    weight: &Tensor,
) -> Result<(View, Option<Dispatch>)> {
    if filters == Filters::Plain {
        return Ok((weight.view.clone(), None));
    }
    let u = lab.poisoned("u", conv.filter_words(direction, filters))?;
    let rows = TransformedWeights { conv: *conv, direction, filters, weight: 0, first: 0 }.table();
    let table = lab.words("table", rows.as_flattened().as_flattened())?;
    Ok((u.view.clone(), Some(winograd_weights(&weight.view, &table.view, rows.len(), &u.view))))
}

/// U as stored: blocks of 16 own channels, summed channels, points, 16.
fn pack_points(u: &[f64], points: usize, own: usize, sums: usize) -> Vec<f64> {
    let (blocks, stored) = (own.div_ceil(BLOCK), groups_of_four(sums) * 4);
    let mut packed = vec![0.0; blocks * stored * points * BLOCK];
    for (index, &value) in u.iter().enumerate() {
        let (point, o, c) = (index / (own * sums), index / sums % own, index % sums);
        packed[((o / BLOCK * stored + c) * points + point) * BLOCK + o % BLOCK] = value;
    }
    packed
}

/// One layer's rows of the table, its weights behind another's.
fn transform(lab: &Lab, sizes: Sizes, direction: Direction, filters: Filters) -> Result<Vec<Comparison>> {
    let conv = conv_of(sizes);
    let Conv { in_channels, out_channels, kernel, .. } = conv;
    let twin = twin_of(&conv);
    let mut values = normals(14, twin.weight_len());
    values[twin.weight_len() / 2] = -64.0;
    let (own, sums, oriented) = match direction {
        Direction::InputGradient => (in_channels, out_channels, reference::winograd::turned(&twin, &values)),
        _ => (out_channels, in_channels, values.clone()),
    };
    let packed = pack_filters(&values, out_channels, in_channels, kernel);
    let before = vec![f64::MAX; 64];
    let weight = lab.values("weight", &[before, packed].concat())?;
    let rows = TransformedWeights { conv, direction, filters, weight: 64, first: 0 }.table();
    let table = lab.words("table", rows.as_flattened().as_flattened())?;
    let u = lab.poisoned("u", conv.filter_words(direction, filters))?;
    lab.run([winograd_weights(&weight.view, &table.view, rows.len(), &u.view)])?;
    let (matrices, _) = form(filters);
    let points = matrices.points() * matrices.points();
    let expected = matrices.weights(&oriented, own, sums);
    // Eight roundings a term, see above.
    let magnitude = matrices.magnitudes().weights(&abs(&oriented), own, sums);
    let tolerance: Vec<f64> = magnitude.iter().map(|&m| sum_of_products(8, m)).collect();
    let layout = |values: &[f64]| pack_points(values, points, own, sums);
    lab.check(&u, &layout(&expected), &layout(&tolerance))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &sizes in SHAPES {
        for direction in [Direction::Forward, Direction::InputGradient] {
            for filters in [Filters::Winograd2, Filters::Winograd4] {
                let name = format!("{}, {}, {filters:?}", name(sizes), direction.name());
                let run = move |lab: &Lab| transform(lab, sizes, direction, filters);
                cases.push(Case::new(&WINOGRAD_WEIGHTS, name, run));
            }
        }
    }
    cases
}
