use super::{assert_close, differences::REACH, differences::assert_gradient, normals};
use wgrad::reference::{
    Mode, Noise, Shape,
    activation::{
        ACTIVATIONS, Activation, Draws, GELU_TANH, PLACE_BEFORE, RRELU_PAPER, RRELU_SEED, RRELU_TORCH, Site,
        find,
    },
};
use wgrad::rng::{Stream, philox};

const NOISE: Noise = Noise { seed: 11, stream: Stream::Activation, step: 3, layer: 5 };

/// Rows that change abruptly at 0, which belongs to the negative side, and that are 0 there.
const KINKED_AT_0: &[&str] =
    &["relu", "leaky_relu", "selu", "dropact", "rrelu", "identity", "hard_swish", "elu", "celu"];
/// Other places that differences must keep away from.
const OTHER_KINKS: &[(&str, f64)] = &[("hard_swish", 3.0), ("hard_swish", -3.0)];

/// The row with parameters that users can ask for.
fn variants() -> Vec<(&'static Activation, Vec<f64>)> {
    let mut variants: Vec<_> = ACTIVATIONS.iter().map(|row| (row, row.defaults())).collect();
    let mut add = |name: &str, parameters: &[f64]| variants.push((find(name).unwrap(), parameters.to_vec()));
    add("dropact", &[0.4, 0.0]);
    add("dropact", &[0.6, 1.0]);
    add("dropact", &[0.6, 2.0]);
    add("leaky_relu", &[0.3]);
    add("elu", &[0.3]);
    add("celu", &[2.5]);
    add("gelu", &[GELU_TANH]);
    add("softplus", &[3.0]);
    add("probact", &[1.0]);
    for (of, place) in [(1.0, 1.0), (7.0, PLACE_BEFORE), (10.0, 1.0)] {
        add("dropout", &[of, 0.3, place, 0.0]);
    }
    add("dropout", &[8.0, 0.3, PLACE_BEFORE, 1.0]);
    add("alpha_dropout", &[7.0, 0.25, 0.0]);
    add("gaussian_dropout", &[8.0, 0.25, 2.0]);
    for mode in [RRELU_PAPER, RRELU_SEED] {
        add("rrelu", &[1.0 / 8.0, 1.0 / 3.0, mode]);
    }
    for (place, _) in ACTIVATIONS.iter().enumerate().filter(|(_, row)| is_smooth_or_kinked(row)) {
        add("mix", &[place as f64, 0.0, 0.3, 0.0]);
    }
    variants
}

/// Whether the derivative is that of the value: gradient acceleration's is not, by its definition.
fn is_smooth_or_kinked(row: &Activation) -> bool {
    row.draws == Draws::Nothing && !row.name.starts_with("gaaf")
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
    for (activation, parameters) in variants().iter().filter(|(row, _)| !row.name.starts_with("gaaf")) {
        let apart = |x: f64| {
            let kinks = OTHER_KINKS.iter().filter(|(_, at)| (x - at).abs() < 2.0 * REACH);
            if kinks.count() > 0 { x + 4.0 * REACH } else { x }
        };
        let x: Vec<f64> =
            normals(seed, 0, shape.len()).iter().map(|x| apart(2.0 * x + REACH.copysign(*x))).collect();
        let dy = normals(seed, 1, shape.len());
        for mode in [Mode::Train, Mode::Eval] {
            let site = Site { activation, parameters, noise: NOISE, mode };
            // A noisy relu's kink lies where x + noise is 0.
            let x: Vec<f64> = if activation.name == "noisy_relu" && mode == Mode::Train {
                let y = site.forward(&x.iter().map(|x| x + 4.0 * REACH).collect::<Vec<_>>(), shape);
                let z = site.forward(&x.iter().map(|x| x - 4.0 * REACH).collect::<Vec<_>>(), shape);
                let kinked = |i: usize| (y[i] > 0.0) != (z[i] > 0.0);
                (0..x.len()).map(|i| if kinked(i) { x[i] + 8.0 * REACH } else { x[i] }).collect()
            } else {
                x.clone()
            };
            let name = format!("{} {parameters:?} {mode:?}", activation.name);
            assert_gradient(&name, seed, &site.backward(&dy, &x, shape), &x, &dy, |x| site.forward(x, shape));
        }
    }
}

/// Zero is on the negative side of a kink.
#[test]
fn zero_is_negative() {
    let kinked = variants().into_iter().filter(|(row, _)| KINKED_AT_0.contains(&row.name));
    for (activation, parameters) in kinked {
        for mode in [Mode::Train, Mode::Eval] {
            let [value, derivative] = activation.functions(mode);
            for u in [0.0, 0.5, 0.97] {
                assert_eq!(value(0.0, u, &parameters), 0.0, "{}", activation.name);
                let below = derivative(-1e-12, u, &parameters);
                assert_close(activation.name, derivative(0.0, u, &parameters), below, 1e-11);
                if ["relu", "leaky_relu", "dropact", "rrelu", "identity"].contains(&activation.name) {
                    assert_eq!(derivative(0.0, u, &parameters), derivative(-1.0, u, &parameters));
                }
            }
        }
    }
}

/// A NaN stays one, and numbers of any size in a network give numbers.
#[test]
fn nan_and_large_numbers() {
    for (activation, parameters) in variants() {
        for mode in [Mode::Train, Mode::Eval] {
            let functions = activation.functions(mode);
            for noise in [0.0, 0.5, 0.97, -3.0] {
                assert!(functions[0](f64::NAN, noise, &parameters).is_nan(), "{}", activation.name);
                for x in [1e4, -1e4, 1e30, -1e30, 1e-30, -1e-30] {
                    let y = functions.map(|function| function(x, noise, &parameters));
                    assert!(y.iter().all(|y| y.is_finite()), "{} at {x}: {y:?}", activation.name);
                }
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
    check("scale", -2.0, 0.0, &[0.25], -0.5, -0.5);
    check("leaky_relu", -2.0, 0.0, &[0.01], -0.02, -0.02);
    // Below `retain` the nonlinearity stays, from it on the element passes; evaluation has slope 1 - retain.
    check("dropact", -1.0, 0.9375, &[0.95, 0.0], 0.0, -(1.0 - 0.95));
    check("dropact", -1.0, 0.9501, &[0.95, 0.0], -1.0, -(1.0 - 0.95));
    check("dropact", -1.0, 0.75, &[0.75, 0.0], -1.0, -0.25);
    check("dropact", 3.0, 0.99, &[0.95, 0.0], 3.0, 3.0);
    let bounds = |mode| [1.0 / 8.0, 1.0 / 3.0, mode];
    check("rrelu", -1.0, 0.5, &bounds(RRELU_TORCH), -11.0 / 48.0, -11.0 / 48.0);
    check("rrelu", -1.0, 0.2, &bounds(RRELU_PAPER), -0.25, -2.0 / 11.0);
    check("rrelu", -1.0, 0.0, &bounds(RRELU_SEED), -0.125, -2.0 / 11.0);
    check("rrelu", 2.0, 0.3, &bounds(RRELU_TORCH), 2.0, 2.0);
    check("probact", -1.0, 2.0, &[0.5], 1.0, 0.0);
    // logistic(0) = 1/2; the mean of max(0, N(0, 1/2)) is sqrt(1/2)/sqrt(2 pi).
    let half = 0.5_f64.sqrt();
    check("noisy_relu", 0.0, 1.0, &[], half, half / std::f64::consts::TAU.sqrt());
}

/// A uniform equal to the f32 nearest to `retain` passes, as in a shader that holds `retain` in f32.
#[test]
fn probabilities_are_compared_in_f32() {
    let row = find("dropact").unwrap();
    let u = f64::from(0.95_f32);
    assert!(u < 0.95);
    assert_eq!((row.value)(-1.0, u, &[0.95, 0.0]), -1.0);
}

/// The mix of relu and the identity is DropActivation.
#[test]
fn mix_of_relu_and_identity_is_dropact() {
    let (mix, dropact) = (find("mix").unwrap(), find("dropact").unwrap());
    for x in [-2.5, -0.0, 0.7] {
        for u in [0.1, 0.6] {
            for mode in [Mode::Train, Mode::Eval] {
                let own = mix.functions(mode).map(|f| f(x, u, &[1.0, 0.0, 0.4, 0.0]));
                let other = dropact.functions(mode).map(|f| f(x, u, &[0.4, 0.0]));
                assert_close("value", own[0], other[0], 1e-15);
                assert_close("derivative", own[1], other[1], 1e-15);
            }
        }
    }
}

/// Every element is drawn for itself, from its own place in the Philox sequence.
#[test]
fn tensors_use_the_elements_own_numbers() {
    let shape = Shape::new(2, 3, 4, 6);
    let activation = find("dropact").unwrap();
    let site = Site { activation, parameters: &[0.5, 0.0], noise: NOISE, mode: Mode::Train };
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

/// A channel of an image, or an image, shares one draw.
#[test]
fn units_share_a_draw() {
    let shape = Shape::new(40, 3, 4, 6);
    let activation = find("dropact").unwrap();
    for (unit, length) in [(1.0, 12), (2.0, 72)] {
        let site = Site { activation, parameters: &[0.5, unit], noise: NOISE, mode: Mode::Train };
        let y = site.forward(&vec![-1.0; shape.len()], shape);
        let member = |n: usize, c: usize| (0..12).map(move |pixel| (n * 12 + pixel) * 6 + c);
        let mut dropped = 0;
        for n in 0..40 {
            for c in 0..6 {
                let first = if length == 12 { n * 72 + c } else { n * 72 };
                assert!(member(n, c).all(|i| y[i] == y[first]), "unit {unit}, image {n}, channel {c}");
                dropped += usize::from(y[first] == 0.0);
            }
        }
        // 240 fair draws, or 40 that count six times: five standard deviations.
        let limit = if length == 12 { 5.0 * 60.0_f64.sqrt() } else { 5.0 * 6.0 * 10.0_f64.sqrt() };
        assert!((dropped as f64 - 120.0).abs() < limit, "unit {unit}: {dropped} of 240");
    }
}
