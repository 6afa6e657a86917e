//! The comparator: what a device gave against what the twin gives, element by element.

/// Bits that outputs hold before a kernel runs: a quiet NaN that no arithmetic produces.
pub const POISON: u32 = 0x7fc0_dead;

/// Result of comparing one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The output's name.
    pub tensor: String,
    /// Error of the worst element: the one with the largest error for its tolerance.
    pub max_error: f64,
    /// Tolerance of that element.
    pub tolerance: f64,
    /// Its number.
    pub element: usize,
    /// What the device gave for it.
    pub got: f64,
    /// What the twin gives for it.
    pub expected: f64,
    /// Whether all elements are within their tolerances.
    pub ok: bool,
    /// What is wrong, or nothing.
    pub reason: String,
}

impl Comparison {
    /// Nothing is wrong.
    pub(super) fn fine(tensor: &str) -> Self {
        Self::new(tensor)
    }

    /// Something is wrong, for this reason.
    pub(super) fn found(tensor: &str, element: usize, got: f64, expected: f64, reason: String) -> Self {
        Self::wrong(tensor, element, got, expected, reason)
    }

    fn new(tensor: &str) -> Self {
        Self {
            tensor: tensor.to_owned(),
            max_error: 0.0,
            tolerance: 0.0,
            element: 0,
            got: 0.0,
            expected: 0.0,
            ok: true,
            reason: String::new(),
        }
    }

    fn wrong(tensor: &str, element: usize, got: f64, expected: f64, reason: String) -> Self {
        let error = (got - expected).abs();
        let max_error = if error.is_nan() { f64::INFINITY } else { error };
        Self { element, got, expected, max_error, ok: false, reason, ..Self::new(tensor) }
    }

    /// Error over tolerance of the worst element; infinite where something is wrong in another way.
    pub fn severity(&self) -> f64 {
        match (self.ok, self.tolerance > 0.0) {
            (true, true) => self.max_error / self.tolerance,
            (true, false) => 0.0,
            (false, true) if self.max_error.is_finite() => self.max_error / self.tolerance,
            (false, _) => f64::INFINITY,
        }
    }
}

fn is_nan(bits: u32) -> bool {
    bits & 0x7fff_ffff > 0x7f80_0000
}

/// Compares `got` with `expected`; element i may differ by `tolerance[i]`. Rejects lengths that differ, NaN, elements that
/// still hold [`POISON`], and expectations or tolerances that are no numbers.
pub fn compare(tensor: &str, got: &[f32], expected: &[f64], tolerance: &[f64]) -> Comparison {
    if got.len() != expected.len() || tolerance.len() != expected.len() {
        let (want, have, tolerances) = (expected.len(), got.len(), tolerance.len());
        let reason = format!("{tensor}: expected {want} elements, got {have} and {tolerances} tolerances");
        return Comparison::wrong(tensor, 0, f64::NAN, f64::NAN, reason);
    }
    let mut worst = Comparison::new(tensor);
    let mut largest = -1.0;
    for (element, ((&got, &expected), &tolerance)) in got.iter().zip(expected).zip(tolerance).enumerate() {
        let value = f64::from(got);
        let fail = |what: &str| {
            let reason = format!("{tensor}[{element}]: {what}, expected {expected:e}");
            Comparison::wrong(tensor, element, value, expected, reason)
        };
        if got.to_bits() == POISON {
            return fail("was not written");
        }
        if is_nan(got.to_bits()) {
            return fail("got NaN");
        }
        if !expected.is_finite() || !tolerance.is_finite() || tolerance < 0.0 {
            return fail("the expectation or its tolerance is no number");
        }
        let error = (value - expected).abs();
        let ratio = match error {
            0.0 => 0.0,
            _ if tolerance == 0.0 => f64::INFINITY,
            _ => error / tolerance,
        };
        if ratio > largest {
            largest = ratio;
            (worst.max_error, worst.tolerance, worst.element) = (error, tolerance, element);
            (worst.got, worst.expected) = (value, expected);
        }
    }
    if largest > 1.0 {
        let Comparison { element, got, expected, tolerance, .. } = worst;
        worst.ok = false;
        worst.reason = format!("{tensor}[{element}]: got {got:e}, expected {expected:e} to {tolerance:e}");
    }
    worst
}

/// Compares words that must be equal.
pub fn compare_words(tensor: &str, got: &[u32], expected: &[u32]) -> Comparison {
    if got.len() != expected.len() {
        let reason = format!("{tensor}: expected {} words, got {}", expected.len(), got.len());
        return Comparison::wrong(tensor, 0, f64::NAN, f64::NAN, reason);
    }
    match got.iter().zip(expected).position(|(got, expected)| got != expected) {
        None => Comparison::new(tensor),
        Some(element) => {
            let (got, expected) = (got[element], expected[element]);
            let reason = format!("{tensor}[{element}]: got word {got:#010x}, expected {expected:#010x}");
            Comparison::wrong(tensor, element, f64::from(got), f64::from(expected), reason)
        }
    }
}

/// Checks that words which a kernel must leave alone still hold [`POISON`].
pub fn untouched(tensor: &str, got: &[f32]) -> Comparison {
    match got.iter().position(|value| value.to_bits() != POISON) {
        None => Comparison::new(tensor),
        Some(element) => {
            let value = f64::from(got[element]);
            let reason = format!("{tensor}[{element}]: got {value:e} where nothing may be written");
            Comparison::wrong(tensor, element, value, f64::NAN, reason)
        }
    }
}
