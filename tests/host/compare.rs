//! The comparator and the tolerances of `wgrad check`, and that no kernel is left out.

use wgrad::kernels::KERNELS;
use wgrad::measure::check::{
    Approx, POISON, ULP, cases, compare, compare_words, gamma, sum_of_products, untouched,
};

const EXPECTED: [f64; 5] = [1.0, -2.0, 0.0, 1e4, 1e-3];
const TOLERANCE: [f64; 5] = [1e-3, 1e-3, 1e-4, 1.0, 1e-5];

fn right() -> Vec<f32> {
    EXPECTED.iter().map(|&value| value as f32).collect()
}

/// Whether the comparator accepts the right values with element `element` replaced.
fn accepts(element: usize, value: f32) -> bool {
    let mut got = right();
    got[element] = value;
    let comparison = compare("t", &got, &EXPECTED, &TOLERANCE);
    assert_eq!(comparison.ok, comparison.reason.is_empty());
    assert!(comparison.ok || comparison.element == element, "{comparison:?}");
    comparison.ok
}

#[test]
fn accepts_what_is_within_tolerance() {
    assert!(compare("t", &right(), &EXPECTED, &TOLERANCE).ok);
    for (i, (expected, tolerance)) in EXPECTED.iter().zip(TOLERANCE).enumerate() {
        for sign in [-1.0, 1.0] {
            assert!(accepts(i, (expected + sign * 0.99 * tolerance) as f32), "element {i}");
            assert!(!accepts(i, (expected + sign * 1.01 * tolerance) as f32), "element {i}");
        }
    }
}

#[test]
fn rejects_a_flipped_element() {
    for i in [0, 1, 3, 4] {
        assert!(!accepts(i, -(EXPECTED[i] as f32)), "element {i}");
    }
}

#[test]
fn rejects_nan_infinity_and_poison() {
    for i in 0..EXPECTED.len() {
        for bits in [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, POISON, 0x7f80_0000, 0xff80_0000] {
            assert!(!accepts(i, f32::from_bits(bits)), "element {i}, {bits:#x}");
        }
    }
    // NaN is no number even where any number would do.
    let comparison = compare("t", &[f32::NAN], &[0.0], &[f64::MAX]);
    assert!(!comparison.ok && comparison.max_error == f64::INFINITY, "{comparison:?}");
}

#[test]
fn rejects_other_lengths_and_bad_expectations() {
    assert!(!compare("t", &right()[..4], &EXPECTED, &TOLERANCE).ok);
    assert!(!compare("t", &right(), &EXPECTED[..4], &TOLERANCE[..4]).ok);
    assert!(!compare("t", &right(), &EXPECTED, &TOLERANCE[..4]).ok);
    assert!(!compare("t", &[0.0], &[f64::NAN], &[1.0]).ok);
    assert!(!compare("t", &[0.0], &[0.0], &[f64::NAN]).ok);
    assert!(!compare("t", &[0.0], &[0.0], &[-1.0]).ok);
    assert!(!compare("t", &[1e-30], &[0.0], &[0.0]).ok, "a tolerance of 0 means equality");
}

#[test]
fn names_the_worst_element() {
    let mut got = right();
    got[0] += 0.5e-3;
    got[3] += 0.75;
    let comparison = compare("t", &got, &EXPECTED, &TOLERANCE);
    assert!(comparison.ok);
    assert_eq!((comparison.element, comparison.max_error, comparison.tolerance), (3, 0.75, 1.0));
}

#[test]
fn words_and_guards() {
    assert!(compare_words("t", &[1, 2, 3], &[1, 2, 3]).ok);
    assert!(!compare_words("t", &[1, 2, 4], &[1, 2, 3]).ok);
    assert!(!compare_words("t", &[1, 2], &[1, 2, 3]).ok);
    let poison = f32::from_bits(POISON);
    assert!(untouched("t", &[poison; 3]).ok);
    assert!(!untouched("t", &[poison, 0.0, poison]).ok);
    assert!(!untouched("t", &[poison, f32::from_bits(POISON ^ 1)]).ok);
}

/// f32 arithmetic of this host is one that WGSL allows: it stays within the bounds, and not by orders of magnitude.
#[test]
fn bounds_hold_for_f32_on_the_host() {
    let (a, b) = (1.234_567_f32, -7.654_321_f32);
    let [x, y] = [a, b].map(|value| Approx::exact(f64::from(value)));
    let pairs = [
        (a + b, x + y),
        (a - b, x - y),
        (a * b, x * y),
        (a / b, x / y),
        (a.sqrt(), x.sqrt()),
        (b.exp(), y.exp()),
        (a.ln(), x.ln()),
        ((a + b) * (a - b) / a, (x + y) * (x - y) / x),
    ];
    for (i, (got, bound)) in pairs.into_iter().enumerate() {
        let error = (f64::from(got) - bound.value).abs();
        assert!(error <= bound.error, "{i}: {error:e} of {:e}", bound.error);
        assert!(bound.error < 1e-4 * bound.value.abs() + 1e-6, "{i}: {:e} says nothing", bound.error);
    }
    let terms: Vec<f32> = (1..=1000).map(|i| 1.0 / i as f32).collect();
    let bound = Approx::sum(terms.iter().map(|&term| Approx::exact(f64::from(term))));
    let error = (f64::from(terms.iter().sum::<f32>()) - bound.value).abs();
    assert!(error <= bound.error && error > 1e-4 * bound.error, "{error:e} of {:e}", bound.error);
}

#[test]
fn bounds_of_sums() {
    assert!((gamma(3) - 3.0 * ULP).abs() < 1e-12);
    assert!(sum_of_products(8, 1.0) >= gamma(9));
    assert!(sum_of_products(100_000, 1.0) < 1e-3);
    // A jump within reach of the error counts.
    let step = |x: f64| if x > 0.0 { 1.0 } else { 0.0 };
    let near = Approx { value: 1e-9, error: 1e-8 };
    assert!(near.through(0.0, step).error >= 1.0);
    assert!(Approx { value: 1e-7, error: 1e-8 }.through(0.0, step).error < 1e-30);
}

#[test]
fn every_kernel_has_a_case() {
    let cases = cases();
    for kernel in KERNELS {
        assert!(cases.iter().any(|case| case.kernel == kernel.name), "{} has no case", kernel.name);
    }
    let mut names: Vec<_> = cases.iter().map(|case| (case.kernel, case.name.as_str())).collect();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before, "two cases of a kernel have one name");
}
