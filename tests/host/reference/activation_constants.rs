//! Published figures of activations, and what gradient acceleration's are built on.

use super::assert_close;
use wgrad::reference::activation::{
    ACTIVATIONS, ALPHA_LIMIT, Function, GELU_TANH, RRELU_PAPER, SHAPE_PAPER, SHAPE_REPO, SIDE_BOTH,
    VARIANT_FLOOR, alpha_affine, find,
};
use wgrad::reference::real::{ERFC, ERFC_ERROR, Real};

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
        let (train_mean, train_variance) = moments(dropact.value, &[retain, 0.0], true);
        let (eval_mean, eval_variance) = moments(dropact.eval_value, &[retain, 0.0], false);
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
    assert_close("relu mean", moments(find("relu").unwrap().value, &[], false).0, 0.398942, tolerance);
}

/// The mean of training over the noise is evaluation's value, except where a mode of rrelu says otherwise.
#[test]
fn evaluation_is_the_mean_of_training() {
    use wgrad::reference::activation::Draws;
    const CELLS: i32 = 200_000;
    // Alpha dropout leaves the mean of a whole layer as it is, not that of each value.
    let rows = ACTIVATIONS.iter().filter(|row| row.draws != Draws::Nothing && row.name != "alpha_dropout");
    for row in rows {
        for x in [-2.0, -0.3, 0.0, 0.4, 1.7] {
            let parameters = row.defaults();
            // Midpoints of equal cells of the uniform, or of the normal between -8 and 8: with a jump or kink in one cell,
            // an error below the cell's width times the values' spread there.
            let mut mean = 0.0;
            for i in 0..CELLS {
                let u = (f64::from(i) + 0.5) / f64::from(CELLS);
                let (noise, weight) = match row.draws {
                    Draws::Normal => {
                        let z = 16.0 * u - 8.0;
                        (z, 16.0 * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt())
                    }
                    _ => (u, 1.0),
                };
                mean += weight * (row.value)(x, noise, &parameters) / f64::from(CELLS);
            }
            assert_close(row.name, (row.eval_value)(x, 0.0, &parameters), mean, 1e-4);
        }
    }
}

#[test]
fn published_values() {
    let value = |name: &str, x: f64, parameters: &[f64]| (find(name).unwrap().value)(x, 0.0, parameters);
    assert_close("selu(-1)", value("selu", -1.0, &[]), -1.1113307, 5e-8);
    // PyTorch's functions in float64 at -1 and 2.
    let gelu = |x, form| value("gelu", x, &[form]);
    assert_close("gelu(-1)", gelu(-1.0, 0.0), -0.158_655_253_931_457_02, 1e-15);
    assert_close("gelu(2)", gelu(2.0, 0.0), 1.954_499_736_103_641_8, 1e-15);
    assert_close("gelu tanh(-1)", gelu(-1.0, GELU_TANH), -0.158_808_009_391_723_24, 1e-15);
    assert_close("silu(-1)", value("silu", -1.0, &[]), -0.268_941_421_369_995_1, 1e-15);
    assert_close("mish(2)", value("mish", 2.0, &[]), 1.943_958_959_533_994_6, 1e-14);
    assert_close("mish(-1)", value("mish", -1.0, &[]), -0.303_401_461_374_108_95, 1e-14);
    assert_close("softplus(-1)", value("softplus", -1.0, &[1.0]), 0.313_261_687_518_222_84, 1e-15);
    assert_close("elu(-1)", value("elu", -1.0, &[1.0]), -0.632_120_558_828_557_7, 1e-15);
    assert_close("celu(-1)", value("celu", -1.0, &[2.0]), -0.786_938_680_574_733_1, 1e-15);
    assert_close("hard_swish(-1)", value("hard_swish", -1.0, &[]), -1.0 / 3.0, 1e-15);
    assert_close("tanh(-1)", value("tanh", -1.0, &[]), (-1.0_f64).tanh(), 1e-15);
    assert_close("sigmoid(2)", value("sigmoid", 2.0, &[]), 0.880_797_077_977_882_3, 1e-15);
}

/// 1 - erf(x) to 16 digits (Abramowitz, Stegun, table 7.1 and its tails), and the shader's formula within its stated error.
#[test]
fn complementary_error_function() {
    for (x, expected) in [
        (0.0, 1.0),
        (0.5, 0.479_500_122_186_953_5),
        (1.0, 0.157_299_207_050_285_13),
        (2.0, 0.004_677_734_981_047_266),
        (3.5, 7.430_983_723_414_128e-7),
        (-1.0, 1.842_700_792_949_715),
    ] {
        assert_close(&format!("erfc({x})"), Real::erfc(x), expected, 4e-16_f64.max(1e-13 * expected));
    }
    for i in 0..=9000 {
        let x: f64 = f64::from(i) / 1000.0;
        let t = 1.0 / (1.0 + 0.5 * x);
        let polynomial = ERFC.iter().rev().fold(0.0, |sum, c| c + t * sum);
        let error = t * (polynomial - x * x).exp() / Real::erfc(x) - 1.0;
        assert!(error.abs() <= ERFC_ERROR, "erfc({x}): relative error {error:e}");
    }
}

/// Parameters of gaaf_relu: shape, variant, side, scale, frequency, shift.
fn accelerated(shape: f64, variant: f64, side: f64) -> [f64; 6] {
    [shape, variant, side, 1.0, 10_000.0, 4.0]
}

/// s(x) is the derivative on the negative side: the paper's figure, read off to two digits, and a replication's shift 4.
#[test]
fn acceleration_has_the_published_strength() {
    let relu = find("gaaf_relu").unwrap();
    let strength = |x: f64, p: &[f64]| (relu.derivative)(x, 0.0, p) - if x > 0.0 { 1.0 } else { 0.0 };
    let paper = accelerated(SHAPE_PAPER, VARIANT_FLOOR, SIDE_BOTH);
    for (x, s) in [(-1.0, 0.07), (-0.75, 0.21), (-0.5, 0.48), (-0.25, 0.77), (0.0, 0.92), (0.25, 0.98)] {
        assert_close(&format!("s({x})"), strength(x, &paper), s, 0.021);
    }
    // s(-1) of every shift in the replication's table.
    for (shift, s) in [
        (5.0, 0.982),
        (4.0, 0.953),
        (3.0, 0.881),
        (2.0, 0.731),
        (1.0, 0.5),
        (0.0, 0.269),
        (-0.5, 0.182),
        (-1.0, 0.119),
        (-2.0, 0.047),
        (-3.0, 0.018),
        (-4.0, 0.0067),
    ] {
        let repo = [SHAPE_REPO, VARIANT_FLOOR, SIDE_BOTH, 1.0, 10_000.0, shift];
        assert_close(&format!("s(-1), shift {shift}"), strength(-1.0, &repo), s, 5e-4);
    }
    let none = accelerated(2.0, VARIANT_FLOOR, SIDE_BOTH);
    assert_eq!([-1.0, 1.0].map(|x| (relu.derivative)(x, 0.0, &none)), [1.0, 2.0]);
    let negative = accelerated(2.0, VARIANT_FLOOR, 1.0);
    assert_eq!([-1.0, 1.0].map(|x| (relu.derivative)(x, 0.0, &negative)), [1.0, 1.0]);
    let tanh = find("gaaf_tanh").unwrap();
    let slope = |x: f64| 1.0 - x.tanh().powi(2);
    let p = |shape| [shape, VARIANT_FLOOR, SIDE_BOTH, 1.0, 10_000.0];
    assert_close(
        "tanh, paper",
        (tanh.derivative)(2.0, 0.0, &p(SHAPE_PAPER)) - slope(2.0),
        (-1.0f64).exp(),
        1e-14,
    );
    let repo = (tanh.derivative)(1.5, 0.0, &p(SHAPE_REPO)) - slope(1.5);
    assert_close("tanh, repo", repo, (-0.75f64).exp(), 1e-14);
}

/// Within one period of the saw the value's slope is the derivative, but for g*s'; and the value stays near phi's.
#[test]
fn acceleration_is_the_slope_within_a_period() {
    const K: f64 = 10_000.0;
    for (name, plain) in [("gaaf_relu", "relu"), ("gaaf_tanh", "tanh"), ("gaaf_sigmoid", "sigmoid")] {
        let (row, plain) = (find(name).unwrap(), find(plain).unwrap());
        for shape in 0..3 {
            for variant in 0..2 {
                let all = accelerated(f64::from(shape), f64::from(variant), SIDE_BOTH);
                let p = &all[..row.parameters.len()];
                for period in [-21_003, -7000, -1, 3, 12_345] {
                    // Quarters of the period: the round variant rises in the first half and falls in the second.
                    for part in [0.2, 0.7] {
                        let (x, h) = ((f64::from(period) + part) / K, 1e-6);
                        let f = |x: f64| (row.value)(x, 0.0, p);
                        let slope = (f(x + h) - f(x - h)) / (2.0 * h);
                        // |g s'| < 5e-5*5/4; second differences are below 2h.
                        let what = format!("{name}, shape {shape}, variant {variant}, x {x}");
                        assert_close(&what, (row.derivative)(x, 0.0, p), slope, 5e-5 * 1.25 + 1e-5);
                        assert_close(&what, f(x), (plain.value)(x, 0.0, &[]), 0.5 / K + 1e-15);
                    }
                }
                // The saw itself: its mean over a period is 0, or -1/4 of its height.
                let cells = 1000;
                let saw = |i: i32| {
                    let x = (300.0 + (f64::from(i) + 0.5) / f64::from(cells)) / K;
                    (row.value)(x, 0.0, p) - (plain.value)(x, 0.0, &[])
                };
                let mean = (0..cells).map(saw).sum::<f64>() / f64::from(cells);
                let strength = (row.derivative)(300.2 / K, 0.0, p) - (plain.derivative)(300.2 / K, 0.0, &[]);
                let expected = if variant == 0 { 0.0 } else { -0.25 / K * strength };
                assert_close(name, mean, expected, 1e-3 / K);
            }
        }
    }
}

/// Published a and b of alpha dropout, and what they are for: of values with mean 0 and variance 1 it leaves both.
#[test]
fn alpha_dropout_keeps_mean_and_variance() {
    for (rate, a, b) in [
        (0.05, 0.954844, 0.083936),
        (0.1, 0.921285, 0.161971),
        (0.2, 0.878904, 0.309040),
        (0.5, 0.886405, 0.779194),
    ] {
        let [scale, shift] = alpha_affine::<f64>(rate);
        assert_close("a", scale, a, 5.1e-7);
        assert_close("b", shift, b, 5.1e-7);
        // E[z] and E[z^2] of z = keep ? v : limit, E[v] = 0, E[v^2] = 1.
        let (first, second) = (rate * ALPHA_LIMIT, (1.0 - rate) + rate * ALPHA_LIMIT.powi(2));
        assert_close("mean", scale * first + shift, 0.0, 1e-15);
        assert_close("variance", scale * scale * (second - first * first), 1.0, 1e-14);
    }
    let row = find("alpha_dropout").unwrap();
    let [a, b] = alpha_affine::<f64>(0.1);
    assert_close("dropped", (row.value)(3.0, 0.05, &[4.0, 0.1, 0.0]), a * ALPHA_LIMIT + b, 1e-15);
    assert_eq!((row.derivative)(3.0, 0.05, &[4.0, 0.1, 0.0]), 0.0);
    assert_close("kept", (row.value)(3.0, 0.5, &[0.0, 0.1, 0.0]), a * 3.0 + b, 1e-15);
}

/// Dropout's printed gradients 2/sqrt(k) of a norm over four elements, k of them kept, scale 2; and Dropout2d's 2.0.
#[test]
fn printed_dropout_numbers() {
    let row = find("dropout").unwrap();
    let identity = [0.0, 0.5, 0.0, 0.0];
    let kept = (row.value)(1.0, 0.7, &identity);
    assert_eq!(
        (kept, (row.value)(1.0, 0.2, &identity), (row.derivative)(1.0, 0.7, &identity)),
        (2.0, 0.0, 2.0)
    );
    // d/dx of the norm of m*x at x = 1: m^2/(m*sqrt(k)) = 2/sqrt(k); k = 7, 3, 5.
    for (k, printed) in [(7.0, 0.7559), (3.0, 1.1547), (5.0, 0.8944)] {
        let norm = (k * kept * kept).sqrt();
        assert_close("gradient", kept / norm * (row.derivative)(1.0, 0.7, &identity), printed, 5e-5);
    }
}
