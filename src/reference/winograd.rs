//! Winograd's minimal filtering for 3x3 kernels, stride 1, padding 1: y = At ((G g Gt) * (Bt x B)) A for each tile of the
//! output (Lavin, Gray 2016; the matrices by the Cook-Toom construction, Barabasz, Anderson, Soodhalter, Gregg 2020).

use super::conv::Conv;
use super::{Shape, check_len};

/// The matrices of F(m x m, 3x3), rows first.
#[derive(Clone, Debug, PartialEq)]
pub struct Winograd {
    /// Output pixels of a tile's side, m.
    pub tile: usize,
    /// Bt: points from pixels, (m+2, m+2).
    pub input: Vec<Vec<f64>>,
    /// G: points from taps, (m+2, 3).
    pub kernel: Vec<Vec<f64>>,
    /// At: output pixels from points, (m, m+2).
    pub output: Vec<Vec<f64>>,
}

fn rows<const R: usize, const C: usize>(matrix: [[f64; C]; R]) -> Vec<Vec<f64>> {
    matrix.iter().map(|row| row.to_vec()).collect()
}

impl Winograd {
    /// F(2x2,3x3) at the points 0, 1, -1 and infinity.
    pub fn f2() -> Self {
        Self {
            tile: 2,
            input: rows([
                [1.0, 0.0, -1.0, 0.0],
                [0.0, 1.0, 1.0, 0.0],
                [0.0, -1.0, 1.0, 0.0],
                [0.0, -1.0, 0.0, 1.0],
            ]),
            kernel: rows([[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]]),
            output: rows([[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, 1.0]]),
        }
    }

    /// F(4x4,3x3) at the points 0, 1/2, -1/2, 3/2, -3/2 and infinity: half the error of the usual 0, 1, -1, 2, -2.
    pub fn f4() -> Self {
        let third = 1.0 / 3.0;
        let (ninth, sixth) = (third / 3.0, third / 2.0);
        Self {
            tile: 4,
            input: rows([
                [0.5625, 0.0, -2.5, 0.0, 1.0, 0.0],
                [0.0, -1.125, -2.25, 0.5, 1.0, 0.0],
                [0.0, 1.125, -2.25, -0.5, 1.0, 0.0],
                [0.0, -0.375, -0.25, 1.5, 1.0, 0.0],
                [0.0, 0.375, -0.25, -1.5, 1.0, 0.0],
                [0.0, 0.5625, 0.0, -2.5, 0.0, 1.0],
            ]),
            kernel: rows([
                [16.0 * ninth, 0.0, 0.0],
                [-1.0, -0.5, -0.25],
                [-1.0, 0.5, -0.25],
                [ninth, sixth, 0.25],
                [ninth, -sixth, 0.25],
                [0.0, 0.0, 1.0],
            ]),
            output: rows([
                [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                [0.0, 0.5, -0.5, 1.5, -1.5, 0.0],
                [0.0, 0.25, 0.25, 2.25, 2.25, 0.0],
                [0.0, 0.125, -0.125, 3.375, -3.375, 1.0],
            ]),
        }
    }

    /// F(3x3,4x4) at the points of [`Winograd::f4`]: taps of the weights' gradient from tiles of 4x4 pixels of dy.
    pub fn f4_gradient() -> Self {
        let Self { input, kernel, output, .. } = Self::f4();
        // Kernel and output change places: what made four pixels of points makes points of four pixels.
        Self { tile: 3, input, kernel: transposed(&output), output: transposed(&kernel) }
    }

    /// The same with magnitudes for entries: what bounds on errors grow by.
    #[must_use]
    pub fn magnitudes(&self) -> Self {
        let abs = |matrix: &[Vec<f64>]| {
            matrix.iter().map(|row| row.iter().map(|entry| entry.abs()).collect()).collect()
        };
        Self {
            tile: self.tile,
            input: abs(&self.input),
            kernel: abs(&self.kernel),
            output: abs(&self.output),
        }
    }

    /// Points of a tile's side.
    pub fn points(&self) -> usize {
        self.input.len()
    }

    /// G g Gt for each pair of channels: (points, points, out, in) from OIHW.
    pub fn weights(&self, weight: &[f64], out_channels: usize, in_channels: usize) -> Vec<f64> {
        check_len("weight", weight, out_channels * in_channels * 9);
        let pairs = out_channels * in_channels;
        let mut u = vec![0.0; self.points() * self.points() * pairs];
        for (pair, taps) in weight.chunks_exact(9).enumerate() {
            for (point, value) in sandwich(&self.kernel, taps).into_iter().enumerate() {
                u[point * pairs + pair] = value;
            }
        }
        u
    }

    /// The convolution, NHWC and OIHW, tile by tile.
    pub fn forward(&self, x: &[f64], shape: Shape, weight: &[f64], out_channels: usize) -> Vec<f64> {
        shape.check("x", x);
        let (m, points, pairs) = (self.tile, self.points(), out_channels * shape.c);
        let u = self.weights(weight, out_channels, shape.c);
        let mut y = vec![0.0; shape.n * shape.h * shape.w * out_channels];
        for n in 0..shape.n {
            for (top, left) in tiles(shape, m) {
                let v: Vec<Vec<f64>> = (0..shape.c)
                    .map(|c| sandwich(&self.input, &patch(x, shape, [n, top, left, c], points)))
                    .collect();
                for o in 0..out_channels {
                    let sums: Vec<f64> = (0..points * points)
                        .map(|p| (0..shape.c).map(|c| v[c][p] * u[p * pairs + o * shape.c + c]).sum())
                        .collect();
                    for (at, value) in sandwich(&self.output, &sums).into_iter().enumerate() {
                        let (h, w) = (top + at / m, left + at % m);
                        if h < shape.h && w < shape.w {
                            y[((n * shape.h + h) * shape.w + w) * out_channels + o] = value;
                        }
                    }
                }
            }
        }
        y
    }
}

impl Winograd {
    /// The weights' gradient of [`Winograd::f4_gradient`], OIHW, from NHWC, tile by tile; `output` is dy's shape.
    pub fn weight_gradient(&self, x: &[f64], shape: Shape, dy: &[f64], output: Shape) -> Vec<f64> {
        shape.check("x", x);
        output.check("dy", dy);
        let (points, side) = (self.points(), self.kernel[0].len());
        let mut sums = vec![vec![0.0; points * points]; output.c * shape.c];
        for n in 0..shape.n {
            for (top, left) in tiles(shape, side) {
                let of_x = |c| sandwich(&self.input, &patch(x, shape, [n, top, left, c], points));
                // One pixel further than a patch, whose first is the border's.
                let of_dy = |o| sandwich(&self.kernel, &patch(dy, output, [n, top + 1, left + 1, o], side));
                let v: Vec<Vec<f64>> = (0..shape.c).map(of_x).collect();
                let u: Vec<Vec<f64>> = (0..output.c).map(of_dy).collect();
                for (pair, sums) in sums.iter_mut().enumerate() {
                    let factors = u[pair / shape.c].iter().zip(&v[pair % shape.c]);
                    sums.iter_mut().zip(factors).for_each(|(sum, (u, v))| *sum += u * v);
                }
            }
        }
        sums.iter().flat_map(|sums| sandwich(&self.output, sums)).collect()
    }
}

fn transposed(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..matrix[0].len()).map(|column| matrix.iter().map(|row| row[column]).collect()).collect()
}

/// The weights that turn the gradient with respect to the input into a convolution of dy: turned round, in and out swapped.
pub fn turned(conv: &Conv, weight: &[f64]) -> Vec<f64> {
    let mut turned = vec![0.0; weight.len()];
    for o in 0..conv.out_channels {
        for i in 0..conv.in_channels {
            for tap in 0..9 {
                turned[(i * conv.out_channels + o) * 9 + 8 - tap] =
                    weight[(o * conv.in_channels + i) * 9 + tap];
            }
        }
    }
    turned
}

/// First row and column of each tile of an image.
fn tiles(shape: Shape, side: usize) -> impl Iterator<Item = (usize, usize)> {
    let across = move |top| (0..shape.w).step_by(side).map(move |left| (top, left));
    (0..shape.h).step_by(side).flat_map(across)
}

/// The pixels of a tile with one around, zeros outside of the image.
fn patch(x: &[f64], shape: Shape, [n, top, left, c]: [usize; 4], side: usize) -> Vec<f64> {
    let inside = |first: usize, at: usize, size: usize| (first + at).checked_sub(1).filter(|&i| i < size);
    let pixel = |at: usize| match (inside(top, at / side, shape.h), inside(left, at % side, shape.w)) {
        (Some(h), Some(w)) => x[((n * shape.h + h) * shape.w + w) * shape.c + c],
        _ => 0.0,
    };
    (0..side * side).map(pixel).collect()
}

/// M s Mt for a square s.
fn sandwich(matrix: &[Vec<f64>], square: &[f64]) -> Vec<f64> {
    let (out, side) = (matrix.len(), matrix[0].len());
    let mut half = vec![0.0; out * side];
    for (i, row) in matrix.iter().enumerate() {
        for j in 0..side {
            half[i * side + j] = (0..side).map(|k| row[k] * square[k * side + j]).sum();
        }
    }
    let mut full = vec![0.0; out * out];
    for i in 0..out {
        for (j, row) in matrix.iter().enumerate() {
            full[i * out + j] = (0..side).map(|k| row[k] * half[i * side + k]).sum();
        }
    }
    full
}
