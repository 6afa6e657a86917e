//! Two-dimensional convolution (cross-correlation, as in PyTorch) without bias, with zero padding and a square kernel.

use super::{Shape, check_len};

/// The geometry of one convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step between outputs, in input pixels, in both directions.
    pub stride: usize,
    /// Zero pixels added on each of the four sides.
    pub padding: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
}

impl Conv {
    /// Elements of the weight (out_channels, in_channels, kernel, kernel).
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.in_channels * self.kernel * self.kernel
    }

    /// Position of weight (o, i, r, s): output channel, input channel, kernel row, kernel column.
    pub fn weight_index(&self, o: usize, i: usize, r: usize, s: usize) -> usize {
        ((o * self.in_channels + i) * self.kernel + r) * self.kernel + s
    }

    /// The output's shape for an input of `shape`: floor((size + 2*padding - kernel) / stride) + 1.
    pub fn output_shape(&self, shape: Shape) -> Shape {
        assert_eq!(
            shape.c, self.in_channels,
            "the input has {} channels, expected {}",
            shape.c, self.in_channels
        );
        let size = |input: usize| {
            let padded = input + 2 * self.padding;
            assert!(padded >= self.kernel, "an input of {input} pixels is smaller than the kernel");
            (padded - self.kernel) / self.stride + 1
        };
        Shape::new(shape.n, size(shape.h), size(shape.w), self.out_channels)
    }

    /// y(n, p, q, o) = sum over (r, s, i) of x(n, p*stride + r - padding, q*stride + s - padding, i) * w(o, i, r, s).
    pub fn forward(&self, x: &[f64], shape: Shape, weight: &[f64]) -> Vec<f64> {
        shape.check("x", x);
        check_len("weight", weight, self.weight_len());
        let mut y = vec![0.0; self.output_shape(shape).len()];
        self.each_tap(shape, |input_row, output_row, r, s| {
            for o in 0..self.out_channels {
                for i in 0..self.in_channels {
                    y[output_row * self.out_channels + o] +=
                        x[input_row * self.in_channels + i] * weight[self.weight_index(o, i, r, s)];
                }
            }
        });
        y
    }

    /// dx from dy; `shape` is the input's.
    pub fn input_gradient(&self, dy: &[f64], shape: Shape, weight: &[f64]) -> Vec<f64> {
        self.output_shape(shape).check("dy", dy);
        check_len("weight", weight, self.weight_len());
        let mut dx = vec![0.0; shape.len()];
        self.each_tap(shape, |input_row, output_row, r, s| {
            for o in 0..self.out_channels {
                for i in 0..self.in_channels {
                    dx[input_row * self.in_channels + i] +=
                        dy[output_row * self.out_channels + o] * weight[self.weight_index(o, i, r, s)];
                }
            }
        });
        dx
    }

    /// dw (OIHW) from x and dy; `shape` is the input's.
    pub fn weight_gradient(&self, x: &[f64], dy: &[f64], shape: Shape) -> Vec<f64> {
        shape.check("x", x);
        self.output_shape(shape).check("dy", dy);
        let mut dw = vec![0.0; self.weight_len()];
        self.each_tap(shape, |input_row, output_row, r, s| {
            for o in 0..self.out_channels {
                for i in 0..self.in_channels {
                    dw[self.weight_index(o, i, r, s)] +=
                        dy[output_row * self.out_channels + o] * x[input_row * self.in_channels + i];
                }
            }
        });
        dw
    }

    /// Calls `visit(input_row, output_row, r, s)` for every pair of pixels that kernel position (r, s) connects. Pixels in
    /// the padding are zeros and left out.
    fn each_tap(&self, shape: Shape, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let output = self.output_shape(shape);
        let source = |position: usize, tap: usize, size: usize| {
            (position * self.stride + tap).checked_sub(self.padding).filter(|&source| source < size)
        };
        for n in 0..output.n {
            for p in 0..output.h {
                for q in 0..output.w {
                    let output_row = (n * output.h + p) * output.w + q;
                    for r in 0..self.kernel {
                        let Some(y) = source(p, r, shape.h) else { continue };
                        for s in 0..self.kernel {
                            let Some(x) = source(q, s, shape.w) else { continue };
                            visit((n * shape.h + y) * shape.w + x, output_row, r, s);
                        }
                    }
                }
            }
        }
    }
}
