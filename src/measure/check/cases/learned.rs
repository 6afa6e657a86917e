//! Activations with learned numbers.

use super::noise::{NOISE, STEP, Site};
use crate::Result;
use crate::kernels::activation::{self, Learned};
use crate::measure::check::case::Case;
use crate::measure::check::compare::{Comparison, compare};
use crate::measure::check::lab::{Lab, abs, errors, normals, pack, pack_vectors};
use crate::measure::check::tolerance::{Approx, sum_of_products};
use crate::reference::{Mode, Shape};

const SPECS: [&str; 4] =
    ["prelu", "prelu:share=channel", "probact_learned", "probact_learned:share=channel,bound=1.5"];
const SHAPES: [Shape; 3] = [Shape::new(3, 7, 5, 3), Shape::new(2, 3, 1, 260), Shape::new(128, 16, 16, 16)];

struct Twin {
    site: Site,
    shape: Shape,
    x: Vec<f64>,
    dy: Vec<f64>,
    a: Vec<f64>,
}

impl Twin {
    fn new(spec: &str, mode: Mode, shape: Shape) -> Result<Self> {
        let site = Site::new(spec, mode)?;
        let (x, dy) = (normals(22, shape.len()), normals(23, shape.len()));
        let a = normals(24, site.activation.learned(shape.c));
        Ok(Self { site, shape, x, dy, a })
    }

    fn learned(&self, lab: &Lab) -> Learned<'_> {
        let (train, rows) = (self.site.train(), lab.rows(self.shape));
        Learned { activation: &self.site.activation, train, noise: NOISE, rows }
    }

    /// Value, derivative and dy/da of element `i`.
    fn bounds(&self, i: usize) -> [Approx; 3] {
        let (row, c) = (i / self.shape.c, i % self.shape.c);
        let x = Approx::exact(self.x[i]);
        self.site.reference().learned_bounds(&self.a, x, self.shape, row, c)
    }

    fn each(&self, of: impl Fn(usize) -> Approx) -> Vec<Approx> {
        (0..self.shape.len()).map(of).collect()
    }

    fn forward(&self, lab: &Lab) -> Result<Vec<Comparison>> {
        let shape = self.shape;
        let (x, state) = (lab.values("x", &pack(&self.x, shape))?, lab.state(STEP)?);
        let a = lab.values("a", &pack_vectors(&self.a, self.a.len()))?;
        let learned = self.learned(lab);
        let y = lab.poisoned("y", learned.rows.words())?;
        lab.run([learned.forward([&x.view, &a.view, &state.view], &y.view)])?;
        let expected = self.site.reference().learned_forward(&self.a, &self.x, shape);
        let bounds = self.each(|i| self.bounds(i)[0]);
        lab.check(&y, &pack(&expected, shape), &pack(&errors(&bounds), shape))
    }

    fn backward(&self, lab: &Lab) -> Result<Vec<Comparison>> {
        let shape = self.shape;
        let (x, state) = (lab.values("x", &pack(&self.x, shape))?, lab.state(STEP)?);
        let a = lab.values("a", &pack_vectors(&self.a, self.a.len()))?;
        let dx = lab.values("dx", &pack(&self.dy, shape))?;
        let learned = self.learned(lab);
        let words = self.a.len().next_multiple_of(4);
        let stride = words.next_multiple_of(64);
        let partial = lab.poisoned("partial", learned.splits() * stride)?;
        lab.run([learned.backward([&x.view, &a.view, &state.view], &dx.view, &partial.view, stride)])?;
        let (expected, gradient) = self.site.reference().learned_backward(&self.a, &self.dy, &self.x, shape);
        let bounds = self.each(|i| self.bounds(i)[1] * Approx::exact(self.dy[i]));
        let mut all = lab.check(&dx, &pack(&expected, shape), &pack(&errors(&bounds), shape))?;
        let (parts, guard) = lab.read(&partial)?;
        let sum =
            |k: usize| parts[k..].iter().step_by(stride).map(|&part| f64::from(part)).sum::<f64>() as f32;
        let got: Vec<f32> = (0..self.a.len()).map(sum).collect();
        all.push(compare("da", &got, &gradient, &self.gradient_tolerance()));
        all.push(guard);
        Ok(all)
    }

    /// Of a sum of dy * dy/da over what shares a number; the parts are added in f64 and rounded once.
    fn gradient_tolerance(&self) -> Vec<f64> {
        let (mut magnitude, mut error) = (vec![0.0; self.a.len()], vec![0.0; self.a.len()]);
        let dy = abs(&self.dy);
        for (i, dy) in dy.iter().enumerate() {
            let k = if self.a.len() == 1 { 0 } else { i % self.shape.c };
            let slope = self.bounds(i)[2];
            magnitude[k] += dy * (slope.value.abs() + slope.error);
            error[k] += dy * slope.error;
        }
        let terms = self.shape.len() / self.a.len();
        magnitude.iter().zip(error).map(|(m, error)| sum_of_products(terms + 1, *m) + error).collect()
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for spec in SPECS {
        for mode in [Mode::Train, Mode::Eval] {
            for shape in SHAPES {
                let Shape { n, h, w, c } = shape;
                let name = format!("{spec}, {mode:?}, {n}x{h}x{w}x{c}");
                cases.push(Case::new(&activation::LEARNED_FORWARD, name.clone(), move |lab| {
                    Twin::new(spec, mode, shape)?.forward(lab)
                }));
                cases.push(Case::new(&activation::LEARNED_BACKWARD, name, move |lab| {
                    Twin::new(spec, mode, shape)?.backward(lab)
                }));
            }
        }
    }
    cases
}
