//! Activations that change the number of channels: CReLU's doubling and maxout.

use super::Function;
use crate::reference::Shape;

/// y(.., c) = f(x(.., c)) and y(.., C + c) = f(-x(.., c)), for x of C channels.
pub fn doubled(f: Function, parameters: &[f64], x: &[f64], shape: Shape) -> Vec<f64> {
    shape.check("x", x);
    let half = |row: &[f64], sign: f64| row.iter().map(|x| f(sign * x, 0.0, parameters)).collect::<Vec<_>>();
    x.chunks_exact(shape.c).flat_map(|row| [half(row, 1.0), half(row, -1.0)].concat()).collect()
}

/// dx = dy(.., c) f'(x) - dy(.., C + c) f'(-x).
pub fn doubled_backward(
    derivative: Function,
    parameters: &[f64],
    dy: &[f64],
    x: &[f64],
    shape: Shape,
) -> Vec<f64> {
    shape.check("x", x);
    let mut dx = Vec::with_capacity(x.len());
    for (row, dy) in x.chunks_exact(shape.c).zip(dy.chunks_exact(2 * shape.c)) {
        let (first, second) = dy.split_at(shape.c);
        for ((x, a), b) in row.iter().zip(first).zip(second) {
            dx.push(a * derivative(*x, 0.0, parameters) - b * derivative(-x, 0.0, parameters));
        }
    }
    dx
}

/// The first place of the greatest value.
fn best(pieces: &[f64]) -> usize {
    (1..pieces.len()).fold(0, |best, j| if pieces[j] > pieces[best] { j } else { best })
}

/// y(.., c) = max over j of x(.., c*pieces + j).
pub fn maxout(pieces: usize, x: &[f64]) -> Vec<f64> {
    x.chunks_exact(pieces).map(|group| group[best(group)]).collect()
}

/// dx = dy at the first place of the greatest piece, 0 elsewhere.
pub fn maxout_backward(pieces: usize, dy: &[f64], x: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; x.len()];
    for ((dx, x), dy) in dx.chunks_exact_mut(pieces).zip(x.chunks_exact(pieces)).zip(dy) {
        dx[best(x)] = *dy;
    }
    dx
}
