//! A user's activation against itself: is the derivative that of the value, is evaluation the mean of training, are all
//! values numbers. There is no f64 twin of it: everything comes from the device.

mod differences;
mod kinks;
mod probe;

use serde::Serialize;

use super::case::Outcome;
use super::compare::Comparison;
use crate::Result;
use crate::gpu::Gpu;
use crate::kernels::Activation;
use probe::{Form, Probe, What, mean_and_deviation};

pub use kinks::Kink;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct CustomReport {
    /// One row for each property.
    pub outcomes: Vec<Outcome>,
    /// Where the evaluation form or its slope jumps, within -8..=8.
    pub kinks: Vec<Kink>,
    /// Points for a plot.
    #[serde(skip)]
    pub curve: Vec<CurvePoint>,
}

/// The activation at one x, as the device gives it.
#[derive(Clone, Copy, Debug)]
pub struct CurvePoint {
    /// The input.
    pub x: f64,
    /// Value and derivative in evaluation.
    pub eval: [f64; 2],
    /// Mean and standard deviation of both in training, where it draws.
    pub train: Option<[(f64, f64); 2]>,
}

/// Checks an activation on a device.
///
/// # Errors
/// A shader that does not compile, or a lost device; what is wrong with the activation is in the report.
pub fn check_custom(gpu: &Gpu, activation: &Activation) -> Result<CustomReport> {
    let probe = Probe::new(gpu, activation);
    let mut outcomes = Vec::new();
    let mut add = |case: &str, comparison: Comparison| {
        Outcome::worst(activation.row.name, case, vec![comparison]).map(|outcome| outcomes.push(outcome))
    };
    for form in probe.forms() {
        for what in [What::Value, What::Derivative] {
            add(&format!("{what} in {form} is a number on -1e4..=1e4"), numbers(&probe, form, what)?)?;
        }
    }
    for form in probe.forms() {
        let verdict = differences::check(&probe, form, 0)?;
        let name = match form {
            Form::Train => "derivative in training is the value's slope at the same noise",
            Form::Eval => "derivative in evaluation is the value's slope",
        };
        add(name, verdict.comparison())?;
    }
    if activation.row.stochastic() {
        add("evaluation is the mean of training", means(&probe)?)?;
        add("steps draw noise of their own", fresh_noise(&probe)?)?;
    }
    Ok(CustomReport { outcomes, kinks: kinks::find(&probe)?, curve: curve(&probe)? })
}

/// The first output that is no number.
fn numbers(probe: &Probe, form: Form, what: What) -> Result<Comparison> {
    let xs = differences::points();
    let got = probe.run(what, form, &xs, 0)?;
    let bad = got.iter().position(|value| !value.is_finite());
    Ok(bad.map_or_else(
        || Comparison::fine("value"),
        |at| {
            let (x, got) = (xs[at / 4], got[at]);
            Comparison::found(
                "value",
                at,
                f64::from(got),
                f64::NAN,
                format!("{what} in {form} is {got} at x = {x}"),
            )
        },
    ))
}

/// Draws of the noise for a mean.
const DRAWS: usize = 16_384;

fn means(probe: &Probe) -> Result<Comparison> {
    let xs: Vec<f32> = (-16..=16).map(|i| i as f32 / 4.0).collect();
    let eval = probe.run(What::Value, Form::Eval, &xs, 0)?;
    let mut worst = Comparison::fine("mean");
    for (i, &x) in xs.iter().enumerate() {
        let values = probe.run(What::Value, Form::Train, &vec![x; DRAWS / 4], i as u32)?;
        let (mean, deviation) = mean_and_deviation(&values);
        let expected = f64::from(eval[4 * i]);
        // Five standard errors: exceeded by chance once in 1.7 million; and f32's roundings.
        let tolerance = 5.0 * deviation / (DRAWS as f64).sqrt() + 1e-5 * (1.0 + mean.abs());
        let error = (mean - expected).abs();
        let ok = error <= tolerance;
        let reason = format!(
            "at x = {x} the mean of {DRAWS} values of training is {mean:.5} +- {:.5}, evaluation gives {expected:.5}",
            tolerance / 5.0
        );
        let reason = if ok { String::new() } else { reason };
        let (element, got) = (i, expected);
        let found = Comparison {
            max_error: error,
            tolerance,
            element,
            got,
            expected: mean,
            ok,
            reason,
            ..Comparison::fine("mean")
        };
        if found.severity() > worst.severity() {
            worst = found;
        }
    }
    Ok(worst)
}

/// Noise that never changes would be none.
fn fresh_noise(probe: &Probe) -> Result<Comparison> {
    let xs = differences::points();
    let [first, second] = [0, 1].map(|step| probe.run(What::Value, Form::Train, &xs, step));
    let same = first? == second?;
    let reason =
        "two steps give the same values everywhere: value does not use u, so that `noise:` has no effect";
    Ok(if same {
        Comparison::found("noise", 0, 0.0, 0.0, reason.to_owned())
    } else {
        Comparison::fine("noise")
    })
}

fn curve(probe: &Probe) -> Result<Vec<CurvePoint>> {
    const MEMBERS: usize = 256;
    let xs: Vec<f32> = (-256..=256).map(|i| i as f32 / 64.0).collect();
    let evals = [What::Value, What::Derivative].map(|what| probe.run(what, Form::Eval, &xs, 0));
    let [values, slopes] = evals;
    let (values, slopes) = (values?, slopes?);
    let train = if probe.stochastic() {
        let repeated: Vec<f32> = xs.iter().flat_map(|&x| vec![x; MEMBERS / 4]).collect();
        let [a, b] = [What::Value, What::Derivative].map(|what| probe.run(what, Form::Train, &repeated, 0));
        Some((a?, b?))
    } else {
        None
    };
    let point = |i: usize| CurvePoint {
        x: f64::from(xs[i]),
        eval: [f64::from(values[4 * i]), f64::from(slopes[4 * i])],
        train: train
            .as_ref()
            .map(|(a, b)| [a, b].map(|all| mean_and_deviation(&all[i * MEMBERS..(i + 1) * MEMBERS]))),
    };
    Ok((0..xs.len()).map(point).collect())
}
