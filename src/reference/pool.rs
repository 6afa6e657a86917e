//! Global average pooling, (n, h, w, c) to (n, c), and max pooling in windows.

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

/// The pixels (row, column) of the window at `row`, `column` of the output, row by row.
fn window_pixels(row: usize, column: usize, window: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..window * window).map(move |i| (row * window + i / window, column * window + i % window))
}

/// Index of each output's source: the greatest of the window x window pixels, the first of equals. Windows lie side by side; what
/// does not fill one is left out. In order (n, h / window, w / window, c).
fn sources(x: &[f64], shape: Shape, window: usize) -> Vec<usize> {
    shape.check("x", x);
    let (rows, columns) = (shape.h / window, shape.w / window);
    let mut sources = Vec::with_capacity(shape.n * rows * columns * shape.c);
    for n in 0..shape.n {
        for place in 0..rows * columns {
            for c in 0..shape.c {
                let at = |(h, w): (usize, usize)| ((n * shape.h + h) * shape.w + w) * shape.c + c;
                let all = window_pixels(place / columns, place % columns, window).map(at);
                sources.extend(all.reduce(|best, other| if x[other] > x[best] { other } else { best }));
            }
        }
    }
    sources
}

/// By how much each pixel of each window exceeds the others of the window that follow it: their signs say which is the greatest.
pub fn max_margins(x: &[f64], shape: Shape, window: usize) -> Vec<f64> {
    shape.check("x", x);
    let (rows, columns) = (shape.h / window, shape.w / window);
    let mut margins = Vec::new();
    for n in 0..shape.n {
        for place in 0..rows * columns {
            for c in 0..shape.c {
                let at = |(h, w): (usize, usize)| x[((n * shape.h + h) * shape.w + w) * shape.c + c];
                let all: Vec<f64> = window_pixels(place / columns, place % columns, window).map(at).collect();
                let pairs = (0..all.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
                margins.extend(pairs.map(|(i, j)| all[i] - all[j]));
            }
        }
    }
    margins
}

/// y = max of x over each window of `window` x `window` pixels; y has (h / window, w / window) pixels.
pub fn max_forward(x: &[f64], shape: Shape, window: usize) -> Vec<f64> {
    sources(x, shape, window).into_iter().map(|source| x[source]).collect()
}

/// dx = dy at the greatest pixel of each window, the first of equals, and 0 elsewhere; `shape` is x's.
pub fn max_backward(dy: &[f64], x: &[f64], shape: Shape, window: usize) -> Vec<f64> {
    let sources = sources(x, shape, window);
    check_len("dy", dy, sources.len());
    let mut dx = vec![0.0; shape.len()];
    sources.into_iter().zip(dy).for_each(|(source, dy)| dx[source] = *dy);
    dx
}
