//! Inverted dropout: y = x*keep/(1 - rate), and DropBlock.

use super::{Noise, Shape, threshold};

/// Dropout at one place of a network, in training; in evaluation it is the identity.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Probability of dropping an element, in [0, 1).
    pub rate: f64,
    /// Where the mask comes from: an element is kept if its uniform is at least `rate`.
    pub noise: Noise,
}

impl Dropout {
    /// y = x*keep/(1 - rate).
    pub fn forward(&self, x: &[f64], shape: Shape) -> Vec<f64> {
        shape.check("x", x);
        let mut y = vec![0.0; shape.len()];
        for row in 0..shape.rows() {
            for c in 0..shape.c {
                if self.noise.uniform_of_row(shape, row, c) >= threshold(self.rate) {
                    y[row * shape.c + c] = x[row * shape.c + c] / (1.0 - self.rate);
                }
            }
        }
        y
    }

    /// dx = dy*keep/(1 - rate), with the forward pass's mask.
    pub fn backward(&self, dy: &[f64], shape: Shape) -> Vec<f64> {
        self.forward(dy, shape)
    }
}

/// DropBlock (Ghiasi, Lin, Le, arXiv 1810.12890) at one place of a network, in training.
#[derive(Clone, Copy, Debug)]
pub struct DropBlock {
    /// Probability of a block at each place where one fits: [`DropBlock::gamma_of`].
    pub gamma: f64,
    /// Pixels of a block's side, at most the image's height and width.
    pub block: usize,
    /// Where the mask comes from: a block's upper left pixel draws for it.
    pub noise: Noise,
}

impl DropBlock {
    /// rate / block^2 * H W / ((H - block + 1) (W - block + 1)).
    pub fn gamma_of(rate: f64, block: usize, shape: Shape) -> f64 {
        let places = (shape.h - block + 1) * (shape.w - block + 1);
        rate / (block * block) as f64 * (shape.h * shape.w) as f64 / places as f64
    }

    /// 1 where an element is kept, else 0.
    pub fn mask(&self, shape: Shape) -> Vec<f64> {
        let mut mask = vec![1.0; shape.len()];
        for n in 0..shape.n {
            for y in 0..=shape.h - self.block {
                for x in 0..=shape.w - self.block {
                    for c in 0..shape.c {
                        if self.noise.uniform(shape, n, y, x, c) < threshold(self.gamma) {
                            self.drop_block(&mut mask, shape, [n, y, x, c]);
                        }
                    }
                }
            }
        }
        mask
    }

    fn drop_block(&self, mask: &mut [f64], shape: Shape, [n, y, x, c]: [usize; 4]) {
        for p in y..y + self.block {
            for q in x..x + self.block {
                mask[shape.index(n, p, q, c)] = 0.0;
            }
        }
    }

    /// y = x*mask*count(mask)/count_ones(mask); the backward pass is the same on dy.
    pub fn forward(&self, x: &[f64], shape: Shape) -> Vec<f64> {
        shape.check("x", x);
        let mask = self.mask(shape);
        let scale = shape.len() as f64 / mask.iter().sum::<f64>().max(1.0);
        x.iter().zip(&mask).map(|(x, keep)| x * keep * scale).collect()
    }
}
