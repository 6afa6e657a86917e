use super::{differences::assert_gradient, normals};
use wgrad::reference::{Shape, conv::Conv};

/// All geometries of the networks here, and one that no network uses.
const GEOMETRIES: [(usize, usize, usize); 8] =
    [(1, 1, 0), (1, 2, 0), (3, 1, 1), (3, 2, 1), (3, 1, 0), (3, 2, 0), (1, 1, 1), (5, 3, 2)];

fn convs() -> impl Iterator<Item = Conv> {
    GEOMETRIES.into_iter().map(|(kernel, stride, padding)| Conv {
        kernel,
        stride,
        padding,
        in_channels: 3,
        out_channels: 5,
    })
}

#[test]
fn output_sizes() {
    let size = |kernel, stride, padding, input| {
        let conv = Conv { kernel, stride, padding, in_channels: 2, out_channels: 7 };
        let output = conv.output_shape(Shape::new(4, input, input + 2, 2));
        assert_eq!((output.n, output.c), (4, 7));
        (output.h, output.w)
    };
    assert_eq!(size(3, 1, 1, 32), (32, 34));
    assert_eq!(size(3, 1, 0, 32), (30, 32));
    assert_eq!(size(3, 2, 1, 30), (15, 16));
    assert_eq!(size(3, 2, 1, 15), (8, 9));
    assert_eq!(size(1, 2, 0, 15), (8, 9));
    assert_eq!(size(1, 2, 0, 30), (15, 16));
}

/// A kernel of zeros but for a single one copies a shifted channel; forward is linear in the weight, so all positions
/// together settle it.
#[test]
fn one_tap_copies_a_shifted_channel() {
    let shape = Shape::new(2, 7, 6, 3);
    let x = normals(2, 0, shape.len());
    for conv in convs() {
        let output = conv.output_shape(shape);
        for tap in 0..conv.weight_len() {
            let mut weight = vec![0.0; conv.weight_len()];
            weight[tap] = 1.0;
            let k = conv.kernel;
            let (o, i, r, s) = (tap / (3 * k * k), tap / (k * k) % 3, tap / k % k, tap % k);
            let y = conv.forward(&x, shape, &weight);
            for (e, &got) in y.iter().enumerate() {
                let (c, q, p) = (e % 5, e / 5 % output.w, e / (5 * output.w) % output.h);
                let n = e / (5 * output.w * output.h);
                let row = (p * conv.stride + r) as i64 - conv.padding as i64;
                let column = (q * conv.stride + s) as i64 - conv.padding as i64;
                let inside = (0..7).contains(&row) && (0..6).contains(&column);
                let expected = if c == o && inside {
                    x[((n * 7 + row as usize) * 6 + column as usize) * 3 + i]
                } else {
                    0.0
                };
                assert_eq!(got, expected, "{conv:?}, tap {tap}, output {e}");
            }
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    let (seed, shape) = (3, Shape::new(2, 7, 6, 3));
    let x = normals(seed, 0, shape.len());
    for conv in convs() {
        let weight = normals(seed, 1, conv.weight_len());
        let dy = normals(seed, 2, conv.output_shape(shape).len());
        let name = format!("{conv:?}");
        let dx = conv.input_gradient(&dy, shape, &weight);
        assert_gradient(&name, seed, &dx, &x, &dy, |x| conv.forward(x, shape, &weight));
        let dw = conv.weight_gradient(&x, &dy, shape);
        assert_gradient(&name, seed, &dw, &weight, &dy, |weight| conv.forward(&x, shape, weight));
    }
}

#[test]
#[should_panic(expected = "the input has 4 channels, expected 3")]
fn wrong_channels_are_named() {
    convs().next().unwrap().output_shape(Shape::new(1, 5, 5, 4));
}
