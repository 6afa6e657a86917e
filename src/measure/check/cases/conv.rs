//! Convolutions: forward, gradient of the input, gradient of the weights, with every candidate.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use super::conv_inputs::{BOTH_FORMS, EXTREME, Inputs, LONG, SHAPES, Sizes, WINOGRAD4};
use super::winograd;
use crate::gpu::Gpu;
use crate::kernels::conv::{Candidate, Conv, Direction, Filters, MadeFor, Parts, Precision};
use crate::kernels::groups_of_four;
use crate::measure::check::case::{Case, Spare};
use crate::measure::check::compare::{Comparison, compare, untouched};
use crate::measure::check::lab::{Lab, abs, make_extreme, normals, pack, pack_filters};
use crate::measure::check::tolerance::{Approx, TINY, ULP, sum_of_products};
use crate::reference::{self, Shape};
use crate::{Error, Result};

/// Inputs and exact results of a shape, each with its sums of magnitudes; made when first asked for, shared by the candidates.
struct Twin {
    conv: Conv,
    inputs: Inputs,
    x: Vec<f64>,
    weight: Vec<f64>,
    dy: Vec<f64>,
    start: Vec<f64>,
    y: LazyLock<[Vec<f64>; 2], Lazy>,
    dx: LazyLock<[Vec<f64>; 2], Lazy>,
    dw: LazyLock<[Vec<f64>; 2], Lazy>,
    /// Tolerances of Winograd's forms, made when first asked for.
    winograd: Mutex<Tolerances>,
}

type Lazy = Box<dyn FnOnce() -> [Vec<f64>; 2] + Send>;
type Function = Box<dyn Fn(&[f64], &[f64]) -> Vec<f64> + Send>;
type Tolerances = HashMap<(Direction, Filters), Arc<Vec<f64>>>;

pub(super) fn conv_of(
    [batch, height, width, in_channels, out_channels, kernel, stride, padding]: Sizes,
) -> Conv {
    Conv { batch, height, width, in_channels, out_channels, kernel, stride, padding }
}

pub(super) fn twin_of(conv: &Conv) -> reference::conv::Conv {
    let Conv { in_channels, out_channels, kernel, stride, padding, .. } = *conv;
    reference::conv::Conv { kernel, stride, padding, in_channels, out_channels }
}

fn twin(sizes: Sizes, inputs: Inputs) -> Twin {
    let conv = conv_of(sizes);
    let Conv { batch, height, width, in_channels, .. } = conv;
    let twin = twin_of(&conv);
    let shape = Shape::new(batch, height, width, in_channels);
    let output = twin.output_shape(shape);
    // An outlier in the input and in the weights: sums of very different terms.
    let (mut x, mut weight) = (normals(10, shape.len()), normals(11, twin.weight_len()));
    x[shape.len() / 2] = 1e4;
    weight[twin.weight_len() / 2] = -64.0;
    let (mut dy, start) = (normals(12, output.len()), normals(13, shape.len()));
    if inputs == Inputs::Extreme {
        make_extreme(&mut x, 1e-40, 1e4);
        make_extreme(&mut weight, 1e-42, 64.0);
        make_extreme(&mut dy, 1e-42, 64.0);
    }
    for values in [&mut x, &mut weight, &mut dy] {
        values.iter_mut().for_each(|value| *value = inputs.value(*value));
    }
    let lazy = |a: &[f64], b: &[f64], f: Function| {
        let (a, b) = (a.to_vec(), b.to_vec());
        LazyLock::new(Box::new(move || [f(&a, &b), f(&abs(&a), &abs(&b))]) as Lazy)
    };
    Twin {
        y: lazy(&x, &weight, Box::new(move |x, w| twin.forward(x, shape, w))),
        dx: lazy(&dy, &weight, Box::new(move |dy, w| twin.input_gradient(dy, shape, w))),
        dw: lazy(&x, &dy, Box::new(move |x, dy| twin.weight_gradient(x, dy, shape))),
        winograd: Mutex::default(),
        conv,
        inputs,
        x,
        weight,
        dy,
        start,
    }
}

impl Twin {
    fn input(&self) -> Shape {
        let Conv { batch, height, width, in_channels, .. } = self.conv;
        Shape::new(batch, height, width, in_channels)
    }

    fn output(&self) -> Shape {
        let Conv { batch, out_channels, .. } = self.conv;
        Shape::new(batch, self.conv.out_height(), self.conv.out_width(), out_channels)
    }

    fn packed_weight(&self) -> Vec<f64> {
        let Conv { in_channels, out_channels, kernel, .. } = self.conv;
        pack_filters(&self.weight, out_channels, in_channels, kernel)
    }

    fn winograd_tolerance(&self, direction: Direction, form: Filters) -> Arc<Vec<f64>> {
        let mut known = self.winograd.lock().unwrap_or_else(|e| e.into_inner());
        let make = || {
            let Conv { in_channels, out_channels, .. } = self.conv;
            let turned = || reference::winograd::turned(&twin_of(&self.conv), &self.weight);
            Arc::new(match direction {
                Direction::InputGradient => {
                    winograd::tolerance(form, &self.dy, self.output(), &turned(), in_channels)
                }
                Direction::Forward => {
                    winograd::tolerance(form, &self.x, self.input(), &self.weight, out_channels)
                }
                Direction::WeightGradient => {
                    winograd::gradient_tolerance(&self.x, self.input(), &self.dy, self.output())
                }
            })
        };
        Arc::clone(known.entry((direction, form)).or_insert_with(make))
    }

    fn forward(&self, lab: &Lab, candidate: &Candidate, statistics: bool) -> Result<Vec<Comparison>> {
        let Conv { in_channels, kernel, .. } = self.conv;
        let x = lab.values("x", &pack(&self.x, self.input()))?;
        let weight = lab.values("weight", &self.packed_weight())?;
        let y = lab.poisoned("y", self.conv.output_words())?;
        let chunk = self.conv.statistics_chunk(candidate).filter(|_| statistics).unwrap_or(usize::MAX);
        let chunks = self.conv.out_pixels().div_ceil(chunk);
        let partial = lab.poisoned("partial", chunks * groups_of_four(self.conv.out_channels) * 8)?;
        let form = candidate.filters;
        let (filters, transform) = winograd::filters(lab, &self.conv, Direction::Forward, form, &weight)?;
        let views = [&x.view, &filters];
        let forward = self.conv.forward(candidate, views, &y.view, &partial.view, statistics)?;
        lab.run(transform.into_iter().chain([forward]))?;
        let [value, magnitude] = &*self.y;
        let terms = kernel * kernel * in_channels;
        let tolerance = match form {
            Filters::Plain => magnitude.iter().map(|&m| self.inputs.bound(terms, m)).collect(),
            _ => self.winograd_tolerance(Direction::Forward, form).to_vec(),
        };
        let mut all = lab.check(&y, &pack(value, self.output()), &pack(&tolerance, self.output()))?;
        if statistics {
            let Parts::Statistics { tile: side, .. } = candidate.parts else {
                return Err(Error::kernel(candidate.kernel.name, "it leaves no statistics"));
            };
            let [expected, tolerance] = tile_statistics(value, &tolerance, self.output(), chunk, side);
            all.extend(lab.check(&partial, &expected, &tolerance)?);
        } else {
            let (got, guard) = lab.read(&partial)?;
            all.extend([untouched("partial without statistics", &got), guard]);
        }
        Ok(all)
    }

    fn input_gradient(&self, lab: &Lab, candidate: &Candidate, accumulate: bool) -> Result<Vec<Comparison>> {
        let Conv { out_channels, kernel, .. } = self.conv;
        let dy = lab.values("dy", &pack(&self.dy, self.output()))?;
        let weight = lab.values("weight", &self.packed_weight())?;
        let dx = match accumulate {
            true => lab.values("dx", &pack(&self.start, self.input()))?,
            false => lab.poisoned("dx", self.conv.input_words())?,
        };
        let form = candidate.filters;
        let (filters, transform) =
            winograd::filters(lab, &self.conv, Direction::InputGradient, form, &weight)?;
        let views = [&dy.view, &filters];
        let gradient = self.conv.input_gradient(candidate, views, &dx.view, accumulate)?;
        lab.run(transform.into_iter().chain([gradient]))?;
        let [value, magnitude] = &*self.dx;
        let start = |i: usize| if accumulate { self.start[i] } else { 0.0 };
        let expected: Vec<f64> = value.iter().enumerate().map(|(i, v)| v + start(i)).collect();
        // What dx held is one term more.
        let terms = kernel * kernel * out_channels + usize::from(accumulate);
        let added = |i: usize| sum_of_products(terms, start(i).abs());
        let bound = |(i, m): (usize, &f64)| self.inputs.bound(terms, *m) + added(i);
        let tolerance: Vec<f64> = match form {
            Filters::Plain => magnitude.iter().enumerate().map(bound).collect(),
            _ => {
                // The sum with what dx held is one rounding more.
                let more = |(i, &error): (usize, &f64)| error + ULP * (expected[i].abs() + error) + TINY;
                self.winograd_tolerance(Direction::InputGradient, form).iter().enumerate().map(more).collect()
            }
        };
        lab.check(&dx, &pack(&expected, self.input()), &pack(&tolerance, self.input()))
    }

    /// The parts are added up here in f64, which leaves one rounding to f32.
    fn weight_gradient(&self, lab: &Lab, candidate: &Candidate) -> Result<Vec<Comparison>> {
        let Conv { batch, in_channels, out_channels, kernel, .. } = self.conv;
        let x = lab.values("x", &pack(&self.x, self.input()))?;
        let dy = lab.values("dy", &pack(&self.dy, self.output()))?;
        let words = self.conv.weight_words();
        let stride = words.next_multiple_of(64);
        let partial = lab.poisoned("partial", stride * self.conv.splits())?;
        lab.run([self.conv.weight_gradient(candidate, [&x.view, &dy.view], &partial.view, stride)?])?;
        let (got, guard) = lab.read(&partial)?;
        let mut total = vec![0.0; words];
        for part in got.chunks_exact(stride) {
            total.iter_mut().zip(part).for_each(|(total, &part)| *total += f64::from(part));
        }
        let total: Vec<f32> = total.iter().map(|&total| total as f32).collect();
        let [value, magnitude] = &*self.dw;
        let terms = batch * self.conv.out_height() * self.conv.out_width() + 1;
        let tolerance = match candidate.filters {
            Filters::Plain => magnitude.iter().map(|&m| self.inputs.bound(terms, m)).collect(),
            form => self.winograd_tolerance(Direction::WeightGradient, form).to_vec(),
        };
        let layout = |values: &[f64]| pack_filters(values, out_channels, in_channels, kernel);
        Ok(vec![compare("dweight", &total, &layout(value), &layout(&tolerance)), guard])
    }
}

pub(super) fn name([batch, height, width, from, to, kernel, stride, padding]: Sizes) -> String {
    format!(
        "{batch}x{height}x{width}, {from} to {to} channels, {kernel}x{kernel}, stride {stride}, pad {padding}"
    )
}

/// Mean and squared deviations of chunks of square tiles of pixels in the order of images, rows, columns, and how far a
/// device may be off that knows y only within `error`.
fn tile_statistics(y: &[f64], error: &[f64], shape: Shape, chunk: usize, side: usize) -> [Vec<f64>; 2] {
    let width = groups_of_four(shape.c) * 4;
    let area = side * side;
    let (across, tiles) = (shape.w / side, shape.rows() / area);
    let pixel = |tile: usize, inside: usize| {
        let (n, tile) = (tile / (across * (shape.h / side)), tile % (across * (shape.h / side)));
        (n * shape.h + tile / across * side + inside / side) * shape.w + tile % across * side + inside % side
    };
    let [mut expected, mut tolerance] = [Vec::new(), Vec::new()];
    for first in (0..tiles).step_by(chunk / area) {
        let own = first..(first + chunk / area).min(tiles);
        let rows: Vec<usize> = own.flat_map(|tile| (0..area).map(move |i| pixel(tile, i))).collect();
        let count = Approx::exact(rows.len() as f64);
        let moments = |c: usize| {
            let of = |row: &usize| {
                let i = row * shape.c + c;
                if c < shape.c { Approx { value: y[i], error: error[i] } } else { Approx::exact(0.0) }
            };
            let mean = Approx::sum(rows.iter().map(of)) / count;
            let squares = Approx::sum(rows.iter().map(|row| (of(row) - mean) * (of(row) - mean)));
            [mean, squares]
        };
        let moments: Vec<[Approx; 2]> = (0..width).map(moments).collect();
        for k in [0, 1] {
            expected.extend(moments.iter().map(|m| m[k].value));
            tolerance.extend(moments.iter().map(|m| m[k].error));
        }
    }
    [expected, tolerance]
}

type Run = fn(&Twin, &Lab, &'static Candidate) -> Result<Vec<Comparison>>;

/// What is run of a direction and shape: a name of the difference from the plain form, and how. `turn` is the shape's place.
fn runs(direction: Direction, candidate: &Candidate, sizes: Sizes, turn: usize) -> Vec<(&'static str, Run)> {
    let (plain, other): ((_, Run), (_, Run)) = match direction {
        Direction::Forward => (
            ("", |twin, lab, candidate| twin.forward(lab, candidate, false)),
            (", statistics", |twin, lab, candidate| twin.forward(lab, candidate, true)),
        ),
        Direction::InputGradient => (
            ("", |twin, lab, candidate| twin.input_gradient(lab, candidate, false)),
            (", accumulate", |twin, lab, candidate| twin.input_gradient(lab, candidate, true)),
        ),
        Direction::WeightGradient => {
            return vec![("", |twin, lab, candidate| twin.weight_gradient(lab, candidate))];
        }
    };
    // Some are for more channels than those sizes have.
    let both = BOTH_FORMS.contains(&sizes) || !BOTH_FORMS.iter().any(|own| (candidate.fits)(&conv_of(*own)));
    // Statistics come with the whole of y: where they are left, they are the form of most use.
    let leaves = conv_of(sizes).statistics_chunk(candidate).is_some();
    match direction {
        Direction::Forward if !leaves => vec![plain],
        Direction::Forward if !both || candidate.filters == Filters::Winograd4 => vec![other],
        _ if both => vec![plain, other],
        _ => vec![if turn.is_multiple_of(2) { plain } else { other }],
    }
}

/// A kernel's name and one of its forms.
type Form = (&'static str, &'static str);

/// Which candidates, by name, and sizes each kernel has been tried with, each of its forms by itself.
#[derive(Default)]
struct Tried(HashMap<Form, Vec<(&'static str, Sizes)>>);

impl Tried {
    /// Which devices know the candidate's form well enough from other sizes. What is made for GPUs has its first size and every
    /// fourth of the others, not the same ones as its neighbours in the direction's table, so that each size has some candidate.
    /// F(4x4), which drivers that run on the CPU compile for several seconds, has its first, and its second too where the
    /// batch is cut into parts; where such a driver takes up to a minute, and no candidate with it, each kernel has one.
    fn spare(&mut self, direction: Direction, place: usize, what: &'static str, sizes: Sizes) -> Spare {
        let candidate = &direction.candidates()[place];
        let tried = self.0.entry((candidate.kernel.name, what)).or_default();
        let known = (candidate.name, sizes);
        if !tried.contains(&known) {
            tried.push(known);
        }
        let rank =
            tried.iter().filter(|own| own.0 == candidate.name).position(|own| *own == known).unwrap_or(0);
        match candidate.made_for {
            _ if sizes == LONG || tried[0] == known => |_| false,
            MadeFor::Gpu if rank == 0 || (rank + place).is_multiple_of(4) => |_| false,
            MadeFor::Gpu => Gpu::is_software,
            MadeFor::ScalarCpu if rank <= usize::from(direction == Direction::WeightGradient) => {
                |gpu| gpu.is_software() && !gpu.keeps_scalars()
            }
            MadeFor::ScalarCpu => Gpu::is_software,
            _ => |_| false,
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut tried = Tried::default();
    for (turn, &sizes) in SHAPES.iter().chain([&LONG]).enumerate() {
        let conv = conv_of(sizes);
        for precision in [Precision::F32, Precision::Mixed] {
            for &(inputs, kind) in Inputs::of(precision) {
                if inputs == Inputs::Extreme && !EXTREME.contains(&sizes) {
                    continue;
                }
                let shared = Arc::new(LazyLock::new(move || twin(sizes, inputs)));
                for direction in Direction::ALL {
                    if sizes == LONG && direction != Direction::WeightGradient {
                        continue;
                    }
                    let fits = |own: &&Candidate| {
                        let chosen = own.filters != Filters::Winograd4 || WINOGRAD4.contains(&sizes);
                        own.precision() == precision && (own.fits)(&conv) && chosen
                    };
                    for (place, candidate) in
                        direction.candidates().iter().enumerate().filter(|own| fits(&own.1))
                    {
                        // An invocation's loops depend on the batch in weight gradients only; a software driver takes minutes
                        // for a large batch with kernels made for GPUs.
                        let heavy = conv.batch >= 128
                            && candidate.made_for == MadeFor::Gpu
                            && direction != Direction::WeightGradient;
                        for (what, run) in runs(direction, candidate, sizes, turn) {
                            let name = format!("{}, {}{what}{kind}", name(sizes), candidate.name);
                            let shared = Arc::clone(&shared);
                            let run = move |lab: &Lab| run(&shared, lab, candidate);
                            let spare = tried.spare(direction, place, what, sizes);
                            cases.push(Case::new(candidate.kernel, name, run).heavy(heavy).spare(spare));
                        }
                    }
                }
            }
        }
    }
    cases
}
