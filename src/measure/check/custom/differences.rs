//! The derivative against difference quotients of the value, all of it in the device's f32.
//!
//! Central quotients D(h) for h, h/2, ... down to h/32 carry a truncation that falls with h^2 and a rounding that grows with
//! 1/h. Richardson's R = (4 D(h/2) - D(h))/3 is taken at the h whose sum of both, |R - D(h/2)| + rounding, is least; the
//! derivative must be within four times that. At a kink it may be anything between the slopes of both sides.

use super::probe::{Form, Probe, What};
use crate::Result;
use crate::measure::check::compare::Comparison;

/// Quotients for each point.
const LEVELS: usize = 6;
/// The widest h, relative to the larger of 1 and |x|.
const WIDEST: f32 = 1.0 / 64.0;
/// Units in the last place that a value may be off: exp and log cost a few, and a formula has several of them.
const VALUE_ULPS: f64 = 16.0;
/// Points whose quotients say nothing (a value that jumps all the time) count as wrong beyond this share.
const MOST_UNCLEAR: f64 = 0.5;

/// Multiples of 1/64 up to 8, and powers of two times 1.3 from there to 1e4; both signs, and 0.
pub(super) fn points() -> Vec<f32> {
    let near = (1..=512).map(|i| i as f32 / 64.0);
    let far = (0..13).map(|i| 1.3 * (8 << i) as f32).filter(|x| *x < 1e4).chain([1e4]);
    let positive: Vec<f32> = near.chain(far).collect();
    positive.iter().rev().map(|x| -x).chain([0.0]).chain(positive.iter().copied()).collect()
}

/// What the comparison of all points gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    form: String,
    compared: usize,
    unclear: usize,
    wrong: usize,
    worst: Option<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    x: f32,
    got: f64,
    expected: f64,
    tolerance: f64,
}

impl Point {
    fn ratio(&self) -> f64 {
        (self.got - self.expected).abs() / self.tolerance
    }
}

impl Verdict {
    fn see(&mut self, point: Point) {
        self.compared += 1;
        self.wrong += usize::from(point.ratio().is_nan() || point.ratio() > 1.0);
        let ratio = |point: &Point| if point.ratio().is_nan() { f64::INFINITY } else { point.ratio() };
        if self.worst.is_none_or(|worst| ratio(&point) > ratio(&worst)) {
            self.worst = Some(point);
        }
    }

    pub(super) fn comparison(&self) -> Comparison {
        let all = self.compared + self.unclear;
        if self.unclear as f64 > MOST_UNCLEAR * all as f64 || self.compared == 0 {
            let reason = format!(
                "the value has no slope that differences could show at {} of {all} points: it jumps nearly everywhere",
                self.unclear
            );
            return Comparison::found("derivative", 0, 0.0, 0.0, reason);
        }
        let Some(Point { x, got, expected, tolerance }) = self.worst else {
            return Comparison::fine("derivative");
        };
        let ok = self.wrong == 0;
        let reason = format!(
            "at x = {x} the derivative in {} is {got}, the value's slope there {expected:.6} to {tolerance:.1e}; wrong at {} of {} points",
            self.form, self.wrong, self.compared
        );
        let reason = if ok { String::new() } else { reason };
        let max_error = (got - expected).abs();
        let plain = Comparison::fine("derivative");
        Comparison { max_error, tolerance, got, expected, ok, reason, ..plain }
    }
}

/// Compares at all points, for four draws of the noise each.
pub(super) fn check(probe: &Probe, form: Form, step: u32) -> Result<Verdict> {
    let xs = points();
    let h = |x: f32, level: usize| x.abs().max(1.0) * WIDEST / (1 << level) as f32;
    let derivative = probe.run(What::Derivative, form, &xs, step)?;
    let middle = probe.run(What::Value, form, &xs, step)?;
    let mut sides = Vec::new();
    for level in 0..LEVELS {
        let moved = |sign: f32| -> Vec<f32> { xs.iter().map(|&x| x + sign * h(x, level)).collect() };
        let (low, high) = (moved(-1.0), moved(1.0));
        let values = [&low, &high].map(|at| probe.run(What::Value, form, at, step));
        let [below, above] = values;
        sides.push((low, below?, high, above?));
    }
    let mut verdict = Verdict { form: form.to_string(), ..Verdict::default() };
    for i in 0..derivative.len() {
        let x = xs[i / 4];
        let levels: Vec<Level> = sides
            .iter()
            .map(|(low, below, high, above)| {
                Level::new([low[i / 4], x, high[i / 4]], [below[i], middle[i], above[i]])
            })
            .collect();
        match judge(&levels, f64::from(derivative[i])) {
            Some((expected, tolerance)) => {
                verdict.see(Point { x, got: f64::from(derivative[i]), expected, tolerance });
            }
            None => verdict.unclear += 1,
        }
    }
    Ok(verdict)
}

/// The quotients of one h.
struct Level {
    central: f64,
    left: f64,
    right: f64,
    rounding: f64,
}

impl Level {
    fn new(x: [f32; 3], y: [f32; 3]) -> Self {
        let [x0, x1, x2] = x.map(f64::from);
        let [y0, y1, y2] = y.map(f64::from);
        let largest = y0.abs().max(y1.abs()).max(y2.abs());
        let ulp = f64::from(f32::EPSILON);
        Self {
            central: (y2 - y0) / (x2 - x0),
            left: (y1 - y0) / (x1 - x0),
            right: (y2 - y1) / (x2 - x1),
            rounding: VALUE_ULPS * ulp * largest / (x2 - x0) + f64::from(f32::MIN_POSITIVE),
        }
    }
}

/// The slope and how far a right derivative may be from it; nothing where the quotients do not settle.
fn judge(levels: &[Level], derivative: f64) -> Option<(f64, f64)> {
    let candidates = levels.windows(2).map(|pair| {
        let slope = (4.0 * pair[1].central - pair[0].central) / 3.0;
        (slope, (slope - pair[1].central).abs() + pair[1].rounding)
    });
    let (slope, error) = candidates.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (first, last) = (levels.first()?, levels.last()?);
    let jump = (last.right - last.left).abs();
    // A smooth slope changes 32 times less over an h that is 32 times smaller.
    let kinked = jump > 0.25 * (first.right - first.left).abs() && jump > 16.0 * last.rounding + 1e-3;
    if kinked {
        let (low, high) = (last.left.min(last.right), last.left.max(last.right));
        let allowed = 4.0 * last.rounding + 0.05 * jump;
        return Some((derivative.clamp(low, high), allowed));
    }
    let tolerance = 4.0 * error;
    (tolerance < 0.05 * (1.0 + slope.abs())).then_some((slope, tolerance))
}
