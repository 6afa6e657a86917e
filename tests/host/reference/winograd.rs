use super::{assert_all_close, normals};
use wgrad::reference::Shape;
use wgrad::reference::conv::Conv;
use wgrad::reference::winograd::{Winograd, turned};

/// Tiles that divide the image and tiles that do not.
const SIZES: [(usize, usize); 4] = [(8, 8), (7, 5), (1, 1), (4, 6)];

#[test]
fn the_same_as_the_convolution() {
    let (inputs, outputs) = (3, 5);
    let conv = Conv { kernel: 3, stride: 1, padding: 1, in_channels: inputs, out_channels: outputs };
    let weight = normals(40, 0, conv.weight_len());
    for winograd in [Winograd::f2(), Winograd::f4()] {
        for (h, w) in SIZES {
            let (shape, output) = (Shape::new(2, h, w, inputs), Shape::new(2, h, w, outputs));
            let (x, dy) = (normals(41, 0, shape.len()), normals(42, 0, output.len()));
            let name = format!("F({}) of {h}x{w}", winograd.tile);
            let y = winograd.forward(&x, shape, &weight, outputs);
            assert_all_close(&name, &y, &conv.forward(&x, shape, &weight), 1e-11);
            let dx = winograd.forward(&dy, output, &turned(&conv, &weight), inputs);
            assert_all_close(&name, &dx, &conv.input_gradient(&dy, shape, &weight), 1e-11);
        }
    }
}

#[test]
fn the_same_as_the_weight_gradient() {
    let (inputs, outputs) = (3, 5);
    let conv = Conv { kernel: 3, stride: 1, padding: 1, in_channels: inputs, out_channels: outputs };
    for (h, w) in SIZES {
        let (shape, output) = (Shape::new(2, h, w, inputs), Shape::new(2, h, w, outputs));
        let (x, dy) = (normals(45, 0, shape.len()), normals(46, 0, output.len()));
        let dw = Winograd::f4_gradient().weight_gradient(&x, shape, &dy, output);
        assert_all_close(&format!("{h}x{w}"), &dw, &conv.weight_gradient(&x, &dy, shape), 1e-11);
        let abs = |values: &[f64]| values.iter().map(|value| value.abs()).collect::<Vec<_>>();
        let bound = Winograd::f4_gradient().magnitudes().weight_gradient(&abs(&x), shape, &abs(&dy), output);
        assert!(bound.iter().zip(&dw).all(|(bound, dw)| *bound >= dw.abs()), "{h}x{w}");
    }
}

/// The bound of the errors is no smaller than the result, and than the direct convolution's.
#[test]
fn magnitudes_bound_the_convolution() {
    let shape = Shape::new(1, 7, 6, 3);
    let conv = Conv { kernel: 3, stride: 1, padding: 1, in_channels: 3, out_channels: 2 };
    let abs = |values: Vec<f64>| values.into_iter().map(f64::abs).collect::<Vec<_>>();
    let (x, weight) = (abs(normals(43, 0, shape.len())), abs(normals(44, 0, conv.weight_len())));
    let direct = conv.forward(&x, shape, &weight);
    for winograd in [Winograd::f2(), Winograd::f4()] {
        let bound = winograd.magnitudes().forward(&x, shape, &weight, 2);
        assert!(bound.iter().zip(&direct).all(|(bound, direct)| bound >= direct), "F({})", winograd.tile);
    }
}
