//! Activations that are no function of one element, and regularisers.

use super::{assert_all_close, assert_close, differences::REACH, differences::assert_gradient, normals};
use wgrad::reference::{
    Mode, Noise, Shape,
    activation::{Site, doubled, doubled_backward, find, maxout, maxout_backward},
    bias,
    dropconnect::DropConnect,
    dropout::DropBlock,
    reshape,
    residual::Scale,
};
use wgrad::rng::Stream;

const NOISE: Noise = Noise { seed: 17, stream: Stream::Dropout, step: 3, layer: 9 };
const SHAPE: Shape = Shape::new(3, 5, 3, 6);

/// Normals away from 0.
fn apart(part: u32, len: usize) -> Vec<f64> {
    normals(41, part, len).iter().map(|x| x + 2.0 * REACH.copysign(*x)).collect()
}

#[test]
fn crelu_is_both_sides() {
    let relu = find("crelu").unwrap();
    assert_eq!(doubled(relu.value, &[], &[3.0, -2.0], Shape::new(1, 1, 1, 2)), [3.0, 0.0, 0.0, 2.0]);
    let (x, dy) = (apart(0, SHAPE.len()), normals(41, 1, 2 * SHAPE.len()));
    let dx = doubled_backward(relu.derivative, &[], &dy, &x, SHAPE);
    assert_gradient("crelu", 41, &dx, &x, &dy, |x| doubled(relu.value, &[], x, SHAPE));
}

#[test]
fn maxout_takes_the_first_of_equals() {
    assert_eq!(maxout(3, &[1.0, 5.0, 5.0, -1.0, -3.0, -2.0]), [5.0, -1.0]);
    let dx = maxout_backward(3, &[2.0, 7.0], &[1.0, 5.0, 5.0, -1.0, -3.0, -2.0]);
    assert_eq!(dx, [0.0, 2.0, 0.0, 7.0, 0.0, 0.0]);
    let (x, dy) = (normals(42, 0, SHAPE.len()), normals(42, 1, SHAPE.len() / 3));
    assert_gradient("maxout", 42, &maxout_backward(3, &dy, &x), &x, &dy, |x| maxout(3, x));
}

#[test]
fn learned_numbers_have_gradients() {
    for name in ["prelu", "probact_learned"] {
        let row = find(name).unwrap();
        let parameters = row.defaults();
        let noise = Noise { stream: Stream::Activation, ..NOISE };
        let site = Site { activation: row, parameters: &parameters, noise, mode: Mode::Train };
        let (x, dy) = (apart(2, SHAPE.len()), normals(43, 1, SHAPE.len()));
        for count in [1, SHAPE.c] {
            let a: Vec<f64> = normals(43, 2, count).iter().map(|a| 0.1 * a).collect();
            let (dx, da) = site.learned_backward(&a, &dy, &x, SHAPE);
            assert_gradient(name, 43, &dx, &x, &dy, |x| site.learned_forward(&a, x, SHAPE));
            assert_gradient(name, 43, &da, &a, &dy, |a| site.learned_forward(a, &x, SHAPE));
        }
    }
}

/// What a fresh prelu is: a leaky relu of slope 1/4.
#[test]
fn prelu_starts_as_a_leaky_relu() {
    let (prelu, leaky) = (find("prelu").unwrap(), find("leaky_relu").unwrap());
    for x in [-3.0, -0.5, 0.0, 2.0] {
        assert_eq!((prelu.value)(x, 0.0, &prelu.defaults()), (leaky.value)(x, 0.0, &[0.25]));
    }
}

#[test]
fn dropblock_drops_whole_blocks_at_its_rate() {
    let shape = Shape::new(64, 8, 9, 8);
    let (rate, block) = (0.2, 3);
    let gamma = DropBlock::gamma_of(rate, block, shape);
    // Of a pixel's 9 corners each drops with gamma: in the middle 1 - (1 - gamma)^9.
    assert_close("gamma", gamma, rate / 9.0 * 72.0 / 42.0, 1e-15);
    let drop = DropBlock { gamma, block, noise: NOISE };
    let mask = drop.mask(shape);
    let dropped = |n: usize, y: usize, x: usize, c: usize| mask[shape.index(n, y, x, c)] == 0.0;
    let (mut middle, mut count) = (0, 0);
    for n in 0..shape.n {
        for c in 0..shape.c {
            count += 1;
            middle += usize::from(dropped(n, 4, 4, c));
            for y in 0..shape.h {
                for x in 0..shape.w {
                    // Every dropped pixel lies in some 3x3 that is dropped as a whole.
                    let whole =
                        |p: usize, q: usize| (p..p + 3).all(|p| (q..q + 3).all(|q| dropped(n, p, q, c)));
                    let mut corners = (y.saturating_sub(2)..=y.min(shape.h - 3))
                        .flat_map(|p| (x.saturating_sub(2)..=x.min(shape.w - 3)).map(move |q| (p, q)));
                    assert!(!dropped(n, y, x, c) || corners.any(|(p, q)| whole(p, q)), "{n} {y} {x} {c}");
                }
            }
        }
    }
    let expected = 1.0 - (1.0 - gamma).powi(9);
    // Five standard deviations of a share of 512 draws.
    let deviation = (expected * (1.0 - expected) / f64::from(count)).sqrt();
    assert_close("middle", f64::from(middle as u32) / f64::from(count), expected, 5.0 * deviation);
    let y = drop.forward(&vec![1.0; shape.len()], shape);
    assert_close("mean", y.iter().sum::<f64>() / shape.len() as f64, 1.0, 1e-12);
}

#[test]
fn branches_keep_their_mean() {
    let images = 4000;
    for (scale, variance) in [
        (Scale::StochasticDepth { survival: 0.75 }, 0.75 * 0.25),
        // 1 with 3/4, else uniform in -1..1: E x^2 = 3/4 + 1/4 * 1/3.
        (Scale::ShakeDrop { survival: 0.75 }, 0.75 + 0.25 / 3.0 - 0.75 * 0.75),
    ] {
        let factors: Vec<_> = (0..images).map(|n| scale.factors(Mode::Train, NOISE, n)).collect();
        let mean = factors.iter().map(|factor| factor[0]).sum::<f64>() / images as f64;
        let [eval, _] = scale.factors(Mode::Eval, NOISE, 0);
        assert_eq!(eval, 0.75);
        assert_close("mean", mean, eval, 5.0 * (variance / images as f64).sqrt());
        let inside =
            |factor: &[f64; 2]| (-1.0..=1.0).contains(&factor[0]) && (0.0..=1.0).contains(&factor[1]);
        assert!(factors.iter().all(inside));
        assert!(factors.iter().all(|[f, b]| (*f == 1.0) == (*b == 1.0)), "one choice for both passes");
    }
    let shape = Shape { n: 16, ..SHAPE };
    let (x, dy) = (normals(44, 0, shape.len()), normals(44, 1, shape.len()));
    let scale = Scale::StochasticDepth { survival: 0.5 };
    let dx = scale.backward(&dy, shape, Mode::Train, NOISE);
    assert_gradient("stochastic depth", 44, &dx, &x, &dy, |x| scale.forward(x, shape, Mode::Train, NOISE));
}

#[test]
fn dropconnect_masks_what_is_marked() {
    let words = vec![2.0; 64 * 40];
    let marks: Vec<bool> = (0..40).map(|block| block % 2 == 0).collect();
    let drop = DropConnect { rate: 0.25, noise: NOISE, mode: Mode::Train };
    let masked = drop.apply(&words, &marks);
    let kept = masked.iter().enumerate().filter(|(i, word)| marks[i / 64] && **word != 0.0).count() as f64;
    assert!(masked.iter().enumerate().all(|(i, word)| *word == 2.0 || (marks[i / 64] && *word == 0.0)));
    let (n, p) = (64.0 * 20.0, 0.75);
    assert_close("kept", kept, n * p, 5.0 * (n * p * (1.0 - p)).sqrt());
    let eval = DropConnect { mode: Mode::Eval, ..drop };
    assert_eq!(eval.apply(&words, &marks)[0], 1.5);
    assert_close("variance", drop.variance(2.0), 0.25 * 0.75 * 4.0, 1e-15);
}

#[test]
fn flatten_is_pytorchs() {
    let shape = Shape::new(1, 1, 2, 3);
    // Two pixels of three channels become three channels of two pixels.
    assert_eq!(reshape::flatten(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], shape), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let x = normals(45, 0, SHAPE.len());
    assert_all_close("back", &reshape::flatten_backward(&reshape::flatten(&x, SHAPE), SHAPE), &x, 0.0);
}

#[test]
fn bias_gradient() {
    let (x, b, dy) = (normals(46, 0, SHAPE.len()), normals(46, 1, SHAPE.c), normals(46, 2, SHAPE.len()));
    assert_gradient("bias", 46, &bias::gradient(&dy, SHAPE), &b, &dy, |b| bias::forward(&x, b, SHAPE));
}
