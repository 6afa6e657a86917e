//! Where the evaluation form or its slope jumps.

use serde::Serialize;

use super::probe::{Form, Probe, What};
use crate::Result;

/// A place where a function is not smooth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kink {
    /// The place, to 1/1024.
    pub x: f64,
    /// How much the slope changes there; of a value that jumps, how much the value does.
    pub change: f64,
    /// Whether the value itself jumps.
    pub value_jumps: bool,
}

const STEP: f64 = 1.0 / 64.0;
const PARTS: usize = 16;
/// Changes of slope, and of value, below this are not looked at.
const LEAST: f64 = 0.02;

/// All kinks within -8..=8: points where a change of slope over 1/64 is still there over 1/1024.
pub(super) fn find(probe: &Probe) -> Result<Vec<Kink>> {
    let coarse: Vec<f32> = (-513..=513).map(|i| (f64::from(i) * STEP) as f32).collect();
    let values = at(probe, &coarse)?;
    let change = |i: usize| (values[i + 1] - 2.0 * values[i] + values[i - 1]) / STEP;
    let suspects: Vec<usize> = (1..values.len() - 1).filter(|&i| change(i).abs() > LEAST).collect();
    let fine_step = STEP / PARTS as f64;
    let width = 2 * PARTS + 1;
    let fine: Vec<f32> = suspects
        .iter()
        .flat_map(|&i| {
            let first = f64::from(coarse[i - 1]);
            (0..width).map(move |part| (first + part as f64 * fine_step) as f32)
        })
        .collect();
    if fine.is_empty() {
        return Ok(Vec::new());
    }
    let fine_values = at(probe, &fine)?;
    let mut kinks: Vec<Kink> = Vec::new();
    for (number, &i) in suspects.iter().enumerate() {
        let own = &fine_values[number * width..(number + 1) * width];
        let x = |part: usize| f64::from(fine[number * width + part]);
        let bend = |part: usize| (own[part + 1] - 2.0 * own[part] + own[part - 1]) / fine_step;
        let Some(part) = (1..width - 1).max_by(|&a, &b| bend(a).abs().total_cmp(&bend(b).abs())) else {
            continue;
        };
        if bend(part).abs() < 0.5 * change(i).abs() {
            continue;
        }
        let rise = (own[part + 1] - own[part]).abs().max((own[part] - own[part - 1]).abs());
        let value_jumps = rise > LEAST;
        let kink = Kink { x: x(part), change: if value_jumps { rise } else { bend(part) }, value_jumps };
        if kinks.iter().all(|known| (known.x - kink.x).abs() > STEP) {
            kinks.push(kink);
        }
    }
    Ok(kinks)
}

fn at(probe: &Probe, xs: &[f32]) -> Result<Vec<f64>> {
    let values = probe.run(What::Value, Form::Eval, xs, 0)?;
    Ok(values.iter().step_by(4).map(|&value| f64::from(value)).collect())
}
