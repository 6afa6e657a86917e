//! Activations whose first parameter is learned, for each channel or for all.

use super::{Draws, Site};
use crate::reference::tolerance::Approx;
use crate::reference::{Mode, Shape};

impl Site<'_> {
    /// The parameters with channel `c`'s learned number, of one for all or one for each.
    fn with(&self, learned: &[f64], c: usize) -> Vec<f64> {
        let mut parameters = self.parameters.to_vec();
        parameters[0] = if learned.len() == 1 { learned[0] } else { learned[c] };
        parameters
    }

    fn each(&self, learned: &[f64], shape: Shape, f: impl Fn(&Site, usize, usize) -> f64) -> Vec<f64> {
        let sites: Vec<_> = (0..shape.c).map(|c| self.with(learned, c)).collect();
        let mut all = Vec::with_capacity(shape.len());
        for row in 0..shape.rows() {
            for (c, parameters) in sites.iter().enumerate() {
                all.push(f(&Site { parameters, ..*self }, row, c));
            }
        }
        all
    }

    /// y from x with these learned numbers.
    pub fn learned_forward(&self, learned: &[f64], x: &[f64], shape: Shape) -> Vec<f64> {
        let value = self.activation.functions(self.mode)[0];
        self.each(learned, shape, |site, row, c| {
            value(x[row * shape.c + c], site.drawn(shape, row, c).value, site.parameters)
        })
    }

    /// dx, and the gradient of the learned numbers.
    pub fn learned_backward(
        &self,
        learned: &[f64],
        dy: &[f64],
        x: &[f64],
        shape: Shape,
    ) -> (Vec<f64>, Vec<f64>) {
        let derivative = self.activation.functions(self.mode)[1];
        let at = |row: usize, c: usize| row * shape.c + c;
        let dx = self.each(learned, shape, |site, row, c| {
            let slope = derivative(x[at(row, c)], site.drawn(shape, row, c).value, site.parameters);
            dy[at(row, c)] * slope
        });
        let parts = self.each(learned, shape, |site, row, c| {
            dy[at(row, c)] * site.learned_slope(Approx::exact(x[at(row, c)]), shape, row, c).value
        });
        let mut gradient = vec![0.0; learned.len()];
        for (i, part) in parts.iter().enumerate() {
            gradient[if learned.len() == 1 { 0 } else { i % shape.c }] += part;
        }
        (dx, gradient)
    }

    /// dy/da at x, with this site's parameters and its error in f32; 0 where noise that is not drawn would carry it.
    pub fn learned_slope(&self, x: Approx, shape: Shape, row: usize, c: usize) -> Approx {
        match self.activation.learned {
            Some(learned) if self.mode == Mode::Train || self.activation.draws == Draws::Nothing => {
                (learned.bound)(x, self.drawn(shape, row, c), self.parameters)
            }
            _ => Approx::exact(0.0),
        }
    }

    /// Value, derivative and dy/da at x as f32 gives them, for channel `c`'s learned number.
    pub fn learned_bounds(
        &self,
        learned: &[f64],
        x: Approx,
        shape: Shape,
        row: usize,
        c: usize,
    ) -> [Approx; 3] {
        let parameters = self.with(learned, c);
        let site = Site { parameters: &parameters, ..*self };
        let [value, derivative] = site.bounds(x, shape, row, c);
        [value, derivative, site.learned_slope(x, shape, row, c)]
    }
}
