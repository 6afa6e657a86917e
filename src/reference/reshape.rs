//! Changes of shape.

use super::Shape;

/// y(n, c*H*W + p) = x(n, p, c): PyTorch's `flatten` of an NCHW tensor.
pub fn flatten(x: &[f64], shape: Shape) -> Vec<f64> {
    shape.check("x", x);
    let mut y = vec![0.0; shape.len()];
    each_pair(shape, |pixels, row| y[row] = x[pixels]);
    y
}

/// dx(n, p, c) = dy(n, c*H*W + p).
pub fn flatten_backward(dy: &[f64], shape: Shape) -> Vec<f64> {
    shape.check("dy", dy);
    let mut dx = vec![0.0; shape.len()];
    each_pair(shape, |pixels, row| dx[pixels] = dy[row]);
    dx
}

fn each_pair(shape: Shape, mut visit: impl FnMut(usize, usize)) {
    let pixels = shape.h * shape.w;
    for n in 0..shape.n {
        for p in 0..pixels {
            for c in 0..shape.c {
                visit((n * pixels + p) * shape.c + c, (n * shape.c + c) * pixels + p);
            }
        }
    }
}
