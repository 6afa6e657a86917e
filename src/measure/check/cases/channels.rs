//! Activations that change the number of channels: CReLU and maxout. They choose and negate: exact, but for the difference in
//! CReLU's gradient.

use super::noise::Site;
use crate::Result;
use crate::kernels::{activation, groups_of_four};
use crate::measure::check::case::Case;
use crate::measure::check::compare::Comparison;
use crate::measure::check::lab::{Lab, normals, pack};
use crate::measure::check::tolerance::{TINY, ULP};
use crate::reference::activation::{doubled, doubled_backward, maxout, maxout_backward};
use crate::reference::{Mode, Shape};

struct Twin {
    site: Site,
    /// The input's.
    shape: Shape,
    outputs: Shape,
    x: Vec<f64>,
    dy: Vec<f64>,
}

impl Twin {
    fn new(spec: &str, shape: Shape) -> Result<Self> {
        let site = Site::new(spec, Mode::Train)?;
        let channels = site.activation.channels(shape.c).unwrap_or(0);
        let outputs = Shape { c: channels, ..shape };
        // Halves, so that pieces are equal now and then, and both zeros.
        let mut x: Vec<f64> = normals(25, shape.len()).iter().map(|x| (2.0 * x).round() / 2.0).collect();
        (x[0], x[1]) = (0.0, -0.0);
        Ok(Self { site, shape, outputs, x, dy: normals(26, outputs.len()) })
    }

    fn pieces(&self) -> Option<usize> {
        let pieces = self.site.activation.pieces();
        (pieces > 1).then_some(pieces)
    }

    fn forward(&self, lab: &Lab) -> Result<Vec<Comparison>> {
        let x = lab.values("x", &pack(&self.x, self.shape))?;
        let y = lab.poisoned("y", self.outputs.rows() * groups_of_four(self.outputs.c) * 4)?;
        let (act, rows) = (&self.site.activation, lab.rows(self.outputs));
        lab.run([activation::channels_forward(act, true, rows, &x.view, &y.view)])?;
        let twin = self.site.reference();
        let expected = match self.pieces() {
            Some(pieces) => maxout(pieces, &self.x),
            None => doubled(twin.activation.value, twin.parameters, &self.x, self.shape),
        };
        let packed = pack(&expected, self.outputs);
        lab.check(&y, &packed, &vec![0.0; packed.len()])
    }

    fn backward(&self, lab: &Lab) -> Result<Vec<Comparison>> {
        let x = lab.values("x", &pack(&self.x, self.shape))?;
        let dy = lab.values("dy", &pack(&self.dy, self.outputs))?;
        let dx = lab.poisoned("dx", self.shape.rows() * groups_of_four(self.shape.c) * 4)?;
        let (act, rows) = (&self.site.activation, lab.rows(self.shape));
        lab.run([activation::channels_backward(act, true, rows, [&x.view, &dy.view], &dx.view)])?;
        let twin = self.site.reference();
        let (expected, roundings) = match self.pieces() {
            Some(pieces) => (maxout_backward(pieces, &self.dy, &self.x), 0.0),
            None => {
                let slope = twin.activation.derivative;
                (doubled_backward(slope, twin.parameters, &self.dy, &self.x, self.shape), 1.0)
            }
        };
        let packed = pack(&expected, self.shape);
        let tolerance: Vec<f64> = packed.iter().map(|dx| roundings * (ULP * dx.abs() + TINY)).collect();
        lab.check(&dx, &packed, &tolerance)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let doubled = (&activation::DOUBLED_FORWARD, &activation::DOUBLED_BACKWARD);
    let pieces = (&activation::MAXOUT_FORWARD, &activation::MAXOUT_BACKWARD);
    let shape = Shape::new;
    let mut cases = Vec::new();
    for (spec, (forward, backward), shapes) in [
        (
            "crelu",
            doubled,
            [shape(3, 7, 5, 3), shape(2, 3, 1, 130), shape(64, 16, 16, 16), shape(3, 1, 1, 6)],
        ),
        (
            "maxout",
            pieces,
            [shape(3, 7, 5, 6), shape(2, 3, 1, 260), shape(64, 16, 16, 32), shape(3, 1, 1, 2)],
        ),
        (
            "maxout:pieces=3",
            pieces,
            [shape(3, 7, 5, 15), shape(2, 3, 1, 261), shape(16, 8, 8, 48), shape(3, 1, 1, 3)],
        ),
    ] {
        for shape in shapes {
            let Shape { n, h, w, c } = shape;
            let name = format!("{spec}, {n}x{h}x{w}x{c}");
            cases.push(Case::new(forward, name.clone(), move |lab| Twin::new(spec, shape)?.forward(lab)));
            cases.push(Case::new(backward, name, move |lab| Twin::new(spec, shape)?.backward(lab)));
        }
    }
    cases
}
