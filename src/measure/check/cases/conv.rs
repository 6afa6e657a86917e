//! Convolutions: forward, gradient of the input, gradient of the weights, on every rung of the ladder.

use std::sync::{Arc, LazyLock};

use crate::gpu::{Dispatch, Kernel};
use crate::kernels::conv::{self, Conv, Variant};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare};
use crate::measure::check::lab::{Lab, abs, normals, pack, pack_filters};
use crate::measure::check::tolerance::sum_of_products;
use crate::reference::{self, Shape};
use crate::{Error, Result};

/// (batch, height, width, in, out, kernel, stride, padding)
type Sizes = [usize; 8];

/// Sizes that no tile divides, the three of ResNet, kernels and paddings besides 3 and 1, and a batch as in training.
const SHAPES: &[Sizes] = &[
    [3, 7, 5, 3, 16, 3, 1, 1],
    [3, 7, 5, 5, 18, 3, 1, 1],
    [3, 7, 5, 18, 5, 3, 2, 1],
    [2, 9, 8, 16, 32, 3, 2, 1],
    [2, 8, 7, 16, 5, 3, 2, 1],
    [3, 10, 11, 3, 6, 3, 3, 1],
    [3, 7, 5, 16, 18, 1, 2, 0],
    [3, 6, 5, 18, 5, 1, 1, 0],
    [1, 1, 1, 3, 5, 3, 1, 1],
    [3, 7, 5, 5, 6, 3, 1, 0],
    [2, 7, 6, 5, 3, 5, 1, 2],
    [5, 8, 8, 64, 64, 3, 1, 1],
    [128, 32, 32, 3, 16, 3, 1, 1],
    [128, 32, 32, 16, 16, 3, 1, 1],
    [128, 32, 32, 16, 32, 3, 2, 1],
];

/// Only for the gradient of the weights: sums of more than 65,535 pixels a part.
const LONG: Sizes = [1030, 32, 32, 3, 4, 3, 1, 1];

/// Inputs and exact results of a shape, each with its sums of magnitudes; made when first asked for, shared by the rungs.
struct Twin {
    sizes: Sizes,
    conv: Conv,
    x: Vec<f64>,
    weight: Vec<f64>,
    dy: Vec<f64>,
    start: Vec<f64>,
    y: LazyLock<[Vec<f64>; 2], Lazy>,
    dx: LazyLock<[Vec<f64>; 2], Lazy>,
    dw: LazyLock<[Vec<f64>; 2], Lazy>,
}

type Lazy = Box<dyn FnOnce() -> [Vec<f64>; 2] + Send>;

fn twin(sizes: Sizes) -> Twin {
    let [batch, height, width, in_channels, out_channels, kernel, stride, padding] = sizes;
    let conv = Conv { batch, height, width, in_channels, out_channels, kernel, stride, padding };
    let twin = reference::conv::Conv { kernel, stride, padding, in_channels, out_channels };
    let shape = Shape::new(batch, height, width, in_channels);
    let output = twin.output_shape(shape);
    // An outlier in the input and in the weights: sums of very different terms.
    let (mut x, mut weight) = (normals(10, shape.len()), normals(11, twin.weight_len()));
    x[shape.len() / 2] = 1e4;
    weight[twin.weight_len() / 2] = -64.0;
    let (dy, start) = (normals(12, output.len()), normals(13, shape.len()));
    let lazy = |a: &[f64], b: &[f64], f: Box<dyn Fn(&[f64], &[f64]) -> Vec<f64> + Send>| {
        let (a, b) = (a.to_vec(), b.to_vec());
        LazyLock::new(Box::new(move || [f(&a, &b), f(&abs(&a), &abs(&b))]) as Lazy)
    };
    Twin {
        y: lazy(&x, &weight, Box::new(move |x, w| twin.forward(x, shape, w))),
        dx: lazy(&dy, &weight, Box::new(move |dy, w| twin.input_gradient(dy, shape, w))),
        dw: lazy(&x, &dy, Box::new(move |x, dy| twin.weight_gradient(x, dy, shape))),
        sizes,
        conv,
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

    fn forward(&self, lab: &Lab, variant: Variant) -> Result<Vec<Comparison>> {
        let Conv { in_channels, kernel, .. } = self.conv;
        let x = lab.values("x", &pack(&self.x, self.input()))?;
        let weight = lab.values("weight", &self.packed_weight())?;
        let y = lab.poisoned("y", self.conv.output_words())?;
        let dispatch = self.conv.forward(variant, &x.view, &weight.view, &y.view)?;
        run(lab, dispatch, kernels(self.sizes, variant)[0])?;
        let [value, magnitude] = &*self.y;
        let terms = kernel * kernel * in_channels;
        let tolerance: Vec<f64> = magnitude.iter().map(|&m| sum_of_products(terms, m)).collect();
        lab.check(&y, &pack(value, self.output()), &pack(&tolerance, self.output()))
    }

    fn input_gradient(&self, lab: &Lab, variant: Variant, accumulate: bool) -> Result<Vec<Comparison>> {
        let Conv { out_channels, kernel, .. } = self.conv;
        let dy = lab.values("dy", &pack(&self.dy, self.output()))?;
        let weight = lab.values("weight", &self.packed_weight())?;
        let dx = match accumulate {
            true => lab.values("dx", &pack(&self.start, self.input()))?,
            false => lab.poisoned("dx", self.conv.input_words())?,
        };
        let dispatch = self.conv.input_gradient(variant, &dy.view, &weight.view, &dx.view, accumulate)?;
        run(lab, dispatch, kernels(self.sizes, variant)[1])?;
        let [value, magnitude] = &*self.dx;
        let start = |i: usize| if accumulate { self.start[i] } else { 0.0 };
        let expected: Vec<f64> = value.iter().enumerate().map(|(i, v)| v + start(i)).collect();
        // What dx held is one term more.
        let terms = kernel * kernel * out_channels + usize::from(accumulate);
        let bound = |(i, m): (usize, &f64)| sum_of_products(terms, m + start(i).abs());
        let tolerance: Vec<f64> = magnitude.iter().enumerate().map(bound).collect();
        lab.check(&dx, &pack(&expected, self.input()), &pack(&tolerance, self.input()))
    }

    /// The parts are added up here in f64, which leaves one rounding to f32.
    fn weight_gradient(&self, lab: &Lab, variant: Variant) -> Result<Vec<Comparison>> {
        let Conv { batch, in_channels, out_channels, kernel, .. } = self.conv;
        let x = lab.values("x", &pack(&self.x, self.input()))?;
        let dy = lab.values("dy", &pack(&self.dy, self.output()))?;
        let words = self.conv.weight_words();
        let stride = words.next_multiple_of(64);
        let partial = lab.poisoned("partial", stride * self.conv.splits())?;
        let dispatch = self.conv.weight_gradient(variant, &x.view, &dy.view, &partial.view, stride)?;
        run(lab, dispatch, kernels(self.sizes, variant)[2])?;
        let (got, guard) = lab.read(&partial)?;
        let mut total = vec![0.0; words];
        for part in got.chunks_exact(stride) {
            total.iter_mut().zip(part).for_each(|(total, &part)| *total += f64::from(part));
        }
        let total: Vec<f32> = total.iter().map(|&total| total as f32).collect();
        let [value, magnitude] = &*self.dw;
        let terms = batch * self.conv.out_height() * self.conv.out_width() + 1;
        let tolerance: Vec<f64> = magnitude.iter().map(|&m| sum_of_products(terms, m)).collect();
        let layout = |values: &[f64]| pack_filters(values, out_channels, in_channels, kernel);
        Ok(vec![compare("dweight", &total, &layout(value), &layout(&tolerance)), guard])
    }
}

fn name([batch, height, width, from, to, kernel, stride, padding]: Sizes) -> String {
    format!(
        "{batch}x{height}x{width}, {from} to {to} channels, {kernel}x{kernel}, stride {stride}, pad {padding}"
    )
}

/// The kernels that a variant takes for a shape: forward, input gradient, weight gradient; none where it falls back to
/// the first rung. Each case checks that its dispatch is of the kernel that it names.
fn kernels(sizes: Sizes, variant: Variant) -> [Option<&'static Kernel>; 3] {
    let [kernel, stride, pad] = [sizes[5], sizes[6], sizes[7]];
    let tiled = [kernel, stride, pad] == [3, 1, 1];
    let strided = [kernel, stride, pad] == [3, 2, 1];
    match variant {
        Variant::Naive => [
            Some(&conv::FORWARD_NAIVE),
            Some(&conv::INPUT_GRADIENT_NAIVE),
            Some(&conv::WEIGHT_GRADIENT_NAIVE),
        ],
        Variant::Direct => [
            Some(if tiled { &conv::FORWARD_DIRECT } else { &conv::FORWARD_STRIDED }),
            match (tiled, strided) {
                (true, _) => Some(&conv::INPUT_GRADIENT_DIRECT),
                (_, true) => Some(&conv::INPUT_GRADIENT_STRIDE2),
                _ => None,
            },
            (kernel == 3).then_some(&conv::WEIGHT_GRADIENT_DIRECT),
        ],
        Variant::Blocked => [
            tiled.then_some(&conv::FORWARD_DIRECT),
            tiled.then_some(&conv::INPUT_GRADIENT_DIRECT),
            (kernel == 3 && stride == 1).then_some(&conv::WEIGHT_GRADIENT_BANDS),
        ],
    }
}

/// Runs a dispatch, if it is the one that the case is about.
fn run(lab: &Lab, dispatch: Dispatch, expected: Option<&Kernel>) -> Result<()> {
    let name = expected.map_or(dispatch.kernel.name, |kernel| kernel.name);
    if dispatch.kernel.name != name {
        return Err(Error::kernel(name, format!("the host chose {} for this shape", dispatch.kernel.name)));
    }
    lab.run([dispatch])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &sizes in SHAPES {
        let shared = Arc::new(LazyLock::new(move || twin(sizes)));
        let mut add = |kernel: &'static Kernel, what: &str, run: fn(&Twin, &Lab, Variant) -> _, variant| {
            let name = format!("{}, {variant:?}{what}", name(sizes));
            let shared = Arc::clone(&shared);
            cases.push(Case::new(kernel, name, move |lab| run(&shared, lab, variant)));
        };
        let dx: [(&str, fn(&Twin, &Lab, Variant) -> _); 2] = [
            ("", |twin, lab, variant| twin.input_gradient(lab, variant, false)),
            (", accumulate", |twin, lab, variant| twin.input_gradient(lab, variant, true)),
        ];
        for variant in [Variant::Naive, Variant::Direct, Variant::Blocked] {
            let [forward, input_gradient, weight_gradient] = kernels(sizes, variant);
            if let Some(kernel) = forward {
                add(kernel, "", Twin::forward, variant);
            }
            if let Some(kernel) = input_gradient {
                dx.iter().for_each(|(what, run)| add(kernel, what, *run, variant));
            }
            if let Some(kernel) = weight_gradient {
                add(kernel, "", Twin::weight_gradient, variant);
            }
        }
    }
    let long = Arc::new(LazyLock::new(|| twin(LONG)));
    for (kernel, variant) in [
        (&conv::WEIGHT_GRADIENT_NAIVE, Variant::Naive),
        (&conv::WEIGHT_GRADIENT_DIRECT, Variant::Direct),
        (&conv::WEIGHT_GRADIENT_BANDS, Variant::Blocked),
    ] {
        let long = Arc::clone(&long);
        cases.push(Case::new(kernel, name(LONG), move |lab| long.weight_gradient(lab, variant)));
    }
    cases
}
