//! Dropout, shortcut, pooling and linear.

use super::{assert_all_close, differences::assert_gradient, normals};
use wgrad::reference::{Noise, Shape, dropout::Dropout, linear::Linear, pool, residual};
use wgrad::rng::{Stream, philox};

#[test]
fn dropout_scales_what_it_keeps() {
    let shape = Shape::new(3, 7, 5, 6);
    let noise = Noise { seed: 31, stream: Stream::Dropout, step: 1, layer: 2 };
    let dropout = Dropout { rate: 0.25, noise };
    let y = dropout.forward(&vec![3.0; shape.len()], shape);
    for (e, &y) in y.iter().enumerate() {
        let (row, c) = (e / 6, e % 6);
        let kept = philox([(row * 2 + c / 4) as u32, 1, 2, 0], [31, 2])[c % 4] >= 0x4000_0000;
        assert_eq!(y, if kept { 4.0 } else { 0.0 }, "element {e}");
    }
    assert!(y.contains(&0.0) && y.contains(&4.0));
    assert_eq!(Dropout { rate: 0.0, noise }.forward(&[2.5; 6], Shape::new(1, 1, 1, 6)), [2.5; 6]);
}

#[test]
fn dropout_gradient() {
    let (seed, shape) = (32, Shape::new(2, 3, 5, 7));
    let noise = Noise { seed, stream: Stream::Dropout, step: 4, layer: 0 };
    let dropout = Dropout { rate: 0.4, noise };
    let (x, dy) = (normals(seed, 0, shape.len()), normals(seed, 1, shape.len()));
    assert_gradient("dropout", seed, &dropout.backward(&dy, shape), &x, &dy, |x| dropout.forward(x, shape));
}

/// 16 to 32 channels: eight zeros, the sixteen channels, eight zeros; rows and columns 0, 2, 4.
#[test]
fn shortcut_layout() {
    let shape = Shape::new(2, 5, 4, 16);
    let x: Vec<f64> = (1..=shape.len()).map(|i| i as f64).collect();
    let output = residual::shortcut_shape(shape, 32);
    assert_eq!(output, Shape::new(2, 3, 2, 32));
    let y = residual::shortcut_forward(&x, shape, 32);
    for (e, &y) in y.iter().enumerate() {
        let (c, q, p, n) = (e % 32, e / 32 % 2, e / 64 % 3, e / 192);
        let copied = (8..24).contains(&c);
        let expected = if copied { x[((n * 5 + 2 * p) * 4 + 2 * q) * 16 + c - 8] } else { 0.0 };
        assert_eq!(y, expected, "element {e}");
    }
}

#[test]
fn shortcut_and_sum_gradients() {
    let (seed, shape) = (33, Shape::new(2, 5, 4, 3));
    let x = normals(seed, 0, shape.len());
    for out_channels in [3, 6, 7] {
        let dy = normals(seed, 1, residual::shortcut_shape(shape, out_channels).len());
        let dx = residual::shortcut_backward(&dy, shape, out_channels);
        let forward = |x: &[f64]| residual::shortcut_forward(x, shape, out_channels);
        assert_gradient("shortcut", seed, &dx, &x, &dy, forward);
    }
    assert_eq!(residual::add(&[1.0, 2.0], &[0.5, -3.0]), [1.5, -1.0]);
}

#[test]
fn pool_is_the_mean_per_channel() {
    // Sample 0: channel 0 is 1, 3, channel 1 is 10, 30; sample 1: -1, 2 and 0, 5.
    let y = pool::forward(&[1.0, 10.0, 3.0, 30.0, -1.0, 0.0, 2.0, 5.0], Shape::new(2, 1, 2, 2));
    assert_all_close("y", &y, &[2.0, 20.0, 0.5, 2.5], 1e-15);

    let (seed, shape) = (34, Shape::new(3, 3, 5, 6));
    let (x, dy) = (normals(seed, 0, shape.len()), normals(seed, 1, shape.n * shape.c));
    assert_gradient("pool", seed, &pool::backward(&dy, shape), &x, &dy, |x| pool::forward(x, shape));
}

#[test]
fn max_pool_takes_the_first_of_the_greatest() {
    // 3 x 5 pixels of one channel: windows of 2 leave the last row and column out. The second window has two greatest.
    let x = [1.0, 4.0, 2.0, 7.0, 9.0, 3.0, -1.0, 7.0, 0.0, 9.0, 8.0, 8.0, 8.0, 8.0, 8.0];
    let shape = Shape::new(1, 3, 5, 1);
    assert_eq!(pool::max_forward(&x, shape, 2), [4.0, 7.0]);
    let dx = pool::max_backward(&[10.0, 20.0], &x, shape, 2);
    let mut expected = [0.0; 15];
    (expected[1], expected[3]) = (10.0, 20.0);
    assert_eq!(dx, expected);

    let (seed, shape) = (36, Shape::new(2, 7, 6, 3));
    let (x, dy) = (normals(seed, 0, shape.len()), normals(seed, 1, 2 * 2 * 2 * 3));
    let dx = pool::max_backward(&dy, &x, shape, 3);
    assert_gradient("max pool", seed, &dx, &x, &dy, |x| pool::max_forward(x, shape, 3));
}

#[test]
fn linear_by_hand() {
    let linear = Linear { in_features: 3, out_features: 2 };
    let (weight, bias) = ([1.0, 2.0, 3.0, -1.0, 0.0, 1.0], [0.5, -0.5]);
    let y = linear.forward(&[1.0, 1.0, 1.0, 2.0, 0.0, -1.0], &weight, &bias);
    assert_eq!(y, [6.5, -0.5, -0.5, -3.5]);
}

#[test]
fn linear_gradients() {
    let (seed, n) = (35, 5);
    let linear = Linear { in_features: 7, out_features: 3 };
    let (x, weight, bias) = (normals(seed, 0, n * 7), normals(seed, 1, 21), normals(seed, 2, 3));
    let dy = normals(seed, 3, n * 3);
    let dx = linear.input_gradient(&dy, &weight);
    assert_gradient("dx", seed, &dx, &x, &dy, |x| linear.forward(x, &weight, &bias));
    let dw = linear.weight_gradient(&x, &dy);
    assert_gradient("dw", seed, &dw, &weight, &dy, |weight| linear.forward(&x, weight, &bias));
    let db = linear.bias_gradient(&dy);
    assert_gradient("db", seed, &db, &bias, &dy, |bias| linear.forward(&x, &weight, bias));
}
