//! Global average pooling, (n, h, w, c) to (n, c).

use super::{Shape, check_len};

/// y(n, c) = mean of x(n, y, x, c) over the pixels.
pub fn forward(x: &[f64], shape: Shape) -> Vec<f64> {
    shape.check("x", x);
    let pixels = shape.h * shape.w;
    let mut y = vec![0.0; shape.n * shape.c];
    for n in 0..shape.n {
        for pixel in 0..pixels {
            for c in 0..shape.c {
                y[n * shape.c + c] += x[(n * pixels + pixel) * shape.c + c] / pixels as f64;
            }
        }
    }
    y
}

/// dx(n, y, x, c) = dy(n, c) / (h*w); `shape` is the input's.
pub fn backward(dy: &[f64], shape: Shape) -> Vec<f64> {
    check_len("dy", dy, shape.n * shape.c);
    let pixels = shape.h * shape.w;
    let mut dx = vec![0.0; shape.len()];
    for (i, dx) in dx.iter_mut().enumerate() {
        let (n, c) = (i / (pixels * shape.c), i % shape.c);
        *dx = dy[n * shape.c + c] / pixels as f64;
    }
    dx
}
