//! Fully connected layers.

use crate::Result;
use crate::gpu::{Dispatch, View};
use crate::kernels::groups_of_four;
use crate::kernels::linear::{self, Linear};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare, untouched};
use crate::measure::check::lab::{Lab, abs, make_extreme, normals, pack_filters, pack_vectors};
use crate::measure::check::tolerance::sum_of_products;
use crate::reference;

/// Batch, inputs, outputs.
type Sizes = [usize; 3];

/// A rung of one direction: from two buffers into a third.
type Rung = fn(&Linear, &View, &View, &View) -> Dispatch;

struct Twin {
    layer: Linear,
    twin: reference::linear::Linear,
    x: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    dy: Vec<f64>,
}

impl Twin {
    fn new([batch, inputs, outputs]: Sizes, extreme: bool) -> Self {
        let values = |part: u32, len: usize, tiny: f64, large: f64| {
            let mut values = normals(part, len);
            if extreme {
                make_extreme(&mut values, tiny, large);
            }
            values
        };
        let words = groups_of_four(inputs) * groups_of_four(outputs) * 16;
        Self {
            layer: Linear { batch, inputs, outputs, bias_offset: words.next_multiple_of(64) },
            twin: reference::linear::Linear { in_features: inputs, out_features: outputs },
            // Products of a denormal with any other value are below f32's normal range too.
            x: values(60, batch * inputs, 1e-40, 1e4),
            weight: values(61, inputs * outputs, 1e-42, 64.0),
            bias: values(62, outputs, 1e-40, 1e4),
            dy: values(63, batch * outputs, 1e-42, 64.0),
        }
    }

    /// Weights and bias as stored; NaN between them.
    fn stored(&self) -> Vec<f64> {
        let mut stored = pack_filters(&self.weight, self.layer.outputs, self.layer.inputs, 1);
        stored.resize(self.layer.bias_offset, f64::NAN);
        stored.extend(pack_vectors(&self.bias, self.layer.outputs));
        stored
    }

    fn forward(&self, lab: &Lab, rung: Rung) -> Result<Vec<Comparison>> {
        let Linear { batch, inputs, outputs, .. } = self.layer;
        let x = lab.values("x", &pack_vectors(&self.x, inputs))?;
        let weight = lab.values("weight", &self.stored())?;
        let y = lab.poisoned("y", batch * groups_of_four(outputs) * 4)?;
        lab.run([rung(&self.layer, &x.view, &weight.view, &y.view)])?;
        let expected = self.twin.forward(&self.x, &self.weight, &self.bias);
        let magnitude = self.twin.forward(&abs(&self.x), &abs(&self.weight), &abs(&self.bias));
        let tolerance: Vec<f64> = magnitude.iter().map(|&m| sum_of_products(inputs + 1, m)).collect();
        lab.check(&y, &pack_vectors(&expected, outputs), &pack_vectors(&tolerance, outputs))
    }

    fn input_gradient(&self, lab: &Lab, rung: Rung) -> Result<Vec<Comparison>> {
        let Linear { batch, inputs, outputs, .. } = self.layer;
        let dy = lab.values("dy", &pack_vectors(&self.dy, outputs))?;
        let weight = lab.values("weight", &self.stored())?;
        let dx = lab.poisoned("dx", batch * groups_of_four(inputs) * 4)?;
        lab.run([rung(&self.layer, &dy.view, &weight.view, &dx.view)])?;
        let expected = self.twin.input_gradient(&self.dy, &self.weight);
        let magnitude = self.twin.input_gradient(&abs(&self.dy), &abs(&self.weight));
        let tolerance: Vec<f64> = magnitude.iter().map(|&m| sum_of_products(outputs, m)).collect();
        lab.check(&dx, &pack_vectors(&expected, inputs), &pack_vectors(&tolerance, inputs))
    }

    fn weight_gradient(&self, lab: &Lab, rung: Rung) -> Result<Vec<Comparison>> {
        let Linear { batch, inputs, outputs, bias_offset } = self.layer;
        let x = lab.values("x", &pack_vectors(&self.x, inputs))?;
        let dy = lab.values("dy", &pack_vectors(&self.dy, outputs))?;
        let gradient = lab.poisoned("gradient", self.stored().len())?;
        lab.run([rung(&self.layer, &x.view, &dy.view, &gradient.view)])?;
        let (got, guard) = lab.read(&gradient)?;
        let words = self.layer.weight_words();
        let bound = |magnitudes: Vec<f64>| -> Vec<f64> {
            magnitudes.iter().map(|&m| sum_of_products(batch, m)).collect()
        };
        let filters = |values: &[f64]| pack_filters(values, outputs, inputs, 1);
        let dw = filters(&self.twin.weight_gradient(&self.x, &self.dy));
        let dw_bound = filters(&bound(self.twin.weight_gradient(&abs(&self.x), &abs(&self.dy))));
        let db = pack_vectors(&self.twin.bias_gradient(&self.dy), outputs);
        let db_bound = pack_vectors(&bound(self.twin.bias_gradient(&abs(&self.dy))), outputs);
        Ok(vec![
            compare("dweight", &got[..words], &dw, &dw_bound),
            compare("dbias", &got[bias_offset..], &db, &db_bound),
            untouched("between dweight and dbias", &got[words..bias_offset]),
            guard,
        ])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let plain = [[3, 5, 7], [1, 3, 10], [5, 18, 2], [130, 64, 10], [3, 100, 67]].map(|sizes| (sizes, false));
    for (sizes, extreme) in plain.into_iter().chain([([7, 18, 10], true)]) {
        let [batch, inputs, outputs] = sizes;
        let values = if extreme { ", extreme values" } else { "" };
        let name = format!("batch {batch}, {inputs} to {outputs}{values}");
        let mut add = |kernel, rung: Rung, run: fn(&Twin, &Lab, Rung) -> Result<Vec<Comparison>>| {
            cases
                .push(Case::new(kernel, name.clone(), move |lab| run(&Twin::new(sizes, extreme), lab, rung)));
        };
        add(&linear::FORWARD, Linear::forward, Twin::forward);
        add(&linear::FORWARD_NAIVE, Linear::forward_naive, Twin::forward);
        add(&linear::INPUT_GRADIENT, Linear::input_gradient, Twin::input_gradient);
        add(&linear::INPUT_GRADIENT_NAIVE, Linear::input_gradient_naive, Twin::input_gradient);
        add(&linear::WEIGHT_GRADIENT, Linear::weight_gradient, Twin::weight_gradient);
        add(&linear::WEIGHT_GRADIENT_NAIVE, Linear::weight_gradient_naive, Twin::weight_gradient);
    }
    cases
}
