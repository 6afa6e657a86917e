use super::{assert_close, differences::REACH, differences::assert_gradient, normals};
use wgrad::reference::{
    Mode, Noise, Shape,
    activation::{ACTIVATIONS, Activation, Function, RRELU_PAPER, RRELU_SEED, RRELU_TORCH, Site, find},
};
use wgrad::rng::{Stream, philox};

const NOISE: Noise = Noise { seed: 11, stream: Stream::Activation, step: 3, layer: 5 };

/// The row with parameters that users can ask for.
fn variants() -> Vec<(&'static Activation, Vec<f64>)> {
    let mut variants: Vec<_> = ACTIVATIONS.iter().map(|row| (row, row.defaults())).collect();
    variants.push((find("dropact").unwrap(), vec![0.4]));
    variants.push((find("leaky_relu").unwrap(), vec![0.3]));
    for mode in [RRELU_PAPER, RRELU_SEED] {
        variants.push((find("rrelu").unwrap(), vec![1.0 / 8.0, 1.0 / 3.0, mode]));
    }
    variants
}

#[test]
fn names_are_unique() {
    for (i, row) in ACTIVATIONS.iter().enumerate() {
        assert!(ACTIVATIONS[..i].iter().all(|other| other.name != row.name), "{} twice", row.name);
        assert_eq!(find(row.name).unwrap().name, row.name);
    }
    assert!(find("no such activation").is_none());
}

#[test]
fn gradients_agree_with_differences() {
    let (seed, shape) = (12, Shape::new(3, 5, 3, 7));
    let x: Vec<f64> = normals(seed, 0, shape.len()).iter().map(|x| x + REACH.copysign(*x)).collect();
    let dy = normals(seed, 1, shape.len());
    for (activation, parameters) in variants() {
        for mode in [Mode::Train, Mode::Eval] {
            let site = Site { activation, parameters: &parameters, noise: NOISE, mode };
            let name = format!("{} {parameters:?} {mode:?}", activation.name);
            assert_gradient(&name, seed, &site.backward(&dy, &x, shape), &x, &dy, |x| site.forward(x, shape));
        }
    }
}

/// Zero is on the negative side, and a NaN stays one.
#[test]
fn zero_and_nan() {
    for (activation, parameters) in variants() {
        for (value, derivative) in
            [(activation.value, activation.derivative), (activation.eval_value, activation.eval_derivative)]
        {
            for u in [0.0, 0.5, 0.97] {
                assert_eq!(value(0.0, u, &parameters), 0.0, "{}", activation.name);
                assert_eq!(
                    derivative(0.0, u, &parameters),
                    derivative(-1.0, u, &parameters),
                    "{}",
                    activation.name
                );
                assert!(value(f64::NAN, u, &parameters).is_nan(), "{}", activation.name);
            }
        }
    }
}

#[test]
fn values_by_hand() {
    let check = |name: &str, x: f64, u: f64, parameters: &[f64], train: f64, eval: f64| {
        let row = find(name).unwrap();
        assert_close(name, (row.value)(x, u, parameters), train, 1e-15);
        assert_close(name, (row.eval_value)(x, u, parameters), eval, 1e-15);
    };
    check("relu", -2.0, 0.0, &[], 0.0, 0.0);
    check("relu", 2.0, 0.0, &[], 2.0, 2.0);
    check("leaky_relu", -2.0, 0.0, &[0.01], -0.02, -0.02);
    // Below `retain` the nonlinearity stays, from it on the element passes; evaluation has slope 1 - retain.
    check("dropact", -1.0, 0.9375, &[0.95], 0.0, -(1.0 - 0.95));
    check("dropact", -1.0, 0.9501, &[0.95], -1.0, -(1.0 - 0.95));
    check("dropact", -1.0, 0.75, &[0.75], -1.0, -0.25);
    check("dropact", 3.0, 0.99, &[0.95], 3.0, 3.0);
    let bounds = |mode| [1.0 / 8.0, 1.0 / 3.0, mode];
    check("rrelu", -1.0, 0.5, &bounds(RRELU_TORCH), -11.0 / 48.0, -11.0 / 48.0);
    check("rrelu", -1.0, 0.2, &bounds(RRELU_PAPER), -0.25, -2.0 / 11.0);
    check("rrelu", -1.0, 0.0, &bounds(RRELU_SEED), -0.125, -2.0 / 11.0);
    check("rrelu", 2.0, 0.3, &bounds(RRELU_TORCH), 2.0, 2.0);
}

/// A uniform equal to the f32 nearest to `retain` passes, as in a shader that holds `retain` in f32.
#[test]
fn probabilities_are_compared_in_f32() {
    let row = find("dropact").unwrap();
    let u = f64::from(0.95_f32);
    assert!(u < 0.95);
    assert_eq!((row.value)(-1.0, u, &[0.95]), -1.0);
}

/// Mean and variance of `function` of a standard normal and a uniform, by the midpoint rule over 10,000 and 1000
/// cells; 0 and every retain of two digits are cell borders. The rule's error is at most
/// dx^2/24*[f'] + du^2/24*[f'] < 2e-7*1 + 1e-8.
fn moments(function: Function, parameters: &[f64], random: bool) -> (f64, f64) {
    const DX: f64 = 2e-3;
    let draws = if random { 1000 } else { 1 };
    let (mut first, mut second) = (0.0, 0.0);
    for i in 0..10_000 {
        let x = -10.0 + (f64::from(i) + 0.5) * DX;
        let weight = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * DX / f64::from(draws);
        for j in 0..draws {
            let y = function(x, (f64::from(j) + 0.5) / f64::from(draws), parameters);
            first += weight * y;
            second += weight * y * y;
        }
    }
    (first, second - first * first)
}

/// Published moments for standard normal input, six digits each.
#[test]
fn published_moments() {
    let tolerance = 5e-7 + 2.1e-7;
    let dropact = find("dropact").unwrap();
    for (retain, mean, train, eval) in [
        (0.95, 0.378995, 0.381363, 0.357613),
        (0.90, 0.359048, 0.421084, 0.376084),
        (0.99, 0.394953, 0.349012, 0.344062),
    ] {
        let (train_mean, train_variance) = moments(dropact.value, &[retain], true);
        let (eval_mean, eval_variance) = moments(dropact.eval_value, &[retain], false);
        assert_close("dropact mean in training", train_mean, mean, tolerance);
        assert_close("dropact mean in evaluation", eval_mean, mean, tolerance);
        assert_close("dropact variance in training", train_variance, train, tolerance);
        assert_close("dropact variance in evaluation", eval_variance, eval, tolerance);
    }
    let rrelu = find("rrelu").unwrap();
    let (train_mean, train_variance) = moments(rrelu.value, &rrelu.defaults(), true);
    let (eval_mean, eval_variance) = moments(rrelu.eval_value, &rrelu.defaults(), false);
    assert_close("rrelu mean in training", train_mean, 0.307518, tolerance);
    assert_close("rrelu mean in evaluation", eval_mean, 0.307518, tolerance);
    assert_close("rrelu variance in training", train_variance, 0.433500, tolerance);
    assert_close("rrelu variance in evaluation", eval_variance, 0.431691, tolerance);
    let paper = [1.0 / 8.0, 1.0 / 3.0, RRELU_PAPER];
    assert_close("rrelu mean, division", moments(rrelu.value, &paper, true).0, 0.320683, tolerance);
}

/// Every element is drawn for itself, from its own place in the Philox sequence.
#[test]
fn tensors_use_the_elements_own_numbers() {
    let shape = Shape::new(2, 3, 4, 6);
    let activation = find("dropact").unwrap();
    let site = Site { activation, parameters: &[0.5], noise: NOISE, mode: Mode::Train };
    let y = site.forward(&vec![-1.0; shape.len()], shape);
    for (e, &y) in y.iter().enumerate() {
        let (row, c) = (e / 6, e % 6);
        let words = philox([(row * 2 + c / 4) as u32, 3, 5, 0], [11, 1]);
        let expected = if words[c % 4] >= 0x8000_0000 { -1.0 } else { 0.0 };
        assert_eq!(y, expected, "element {e}");
    }
    let next = Site { noise: Noise { step: 4, ..NOISE }, ..site }.forward(&vec![-1.0; shape.len()], shape);
    assert_ne!(y, next, "another step has another mask");
}
