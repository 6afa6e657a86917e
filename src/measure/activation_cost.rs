//! What an activation costs: the same training step with it and with relu, in turns.

use serde::Serialize;

use super::bench::{Measured, STEPS};
use super::subject::{Subject, median};
use super::tune::{Effort, tune};
use crate::Result;
use crate::config::RunConfig;
use crate::gpu::Gpu;
use crate::train::{build_network, precision};

/// What the activation is compared with.
const PLAIN: &str = "relu";

/// A training step with an activation beside the same with relu. Times are in seconds, each step waited for.
#[derive(Clone, Debug, Serialize)]
pub struct CostRow {
    /// What was measured, the network with the activation; a turn is a step of both.
    #[serde(flatten)]
    pub measured: Measured,
    /// Median of a step with the activation.
    pub median_step_s: f64,
    /// Median of a step with relu.
    pub relu_step_s: f64,
    /// Images of a step over the median seconds with the activation.
    pub images_per_second: f64,
    /// Median over the turns of the step's seconds over those of relu's in the same turn.
    pub times_relu: f64,
    /// A quarter of the turns lie below the first, a quarter above the second.
    pub times_relu_quartiles: [f64; 2],
}

impl std::fmt::Display for CostRow {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Measured { device, model, width, activation, batch, steps } = &self.measured;
        let (times_relu, [least, most]) = (self.times_relu, self.times_relu_quartiles);
        let ms = |seconds: f64| seconds * 1e3;
        writeln!(f, "{model} of width {width}, batch {batch}, {steps} turns on {device}")?;
        writeln!(
            f,
            "  {activation} {:.2} ms, {PLAIN} {:.2} ms (medians)",
            ms(self.median_step_s),
            ms(self.relu_step_s)
        )?;
        write!(f, "  {times_relu:.3} times {PLAIN}'s step (half of the turns {least:.3} to {most:.3})")
    }
}

/// Times training steps of the configured model on random images, one with its activation and one with relu in each of
/// `config.steps` turns, or [`STEPS`]. A machine whose speed changes changes it for both of a turn, and every other turn begins
/// with relu.
///
/// # Errors
/// A configuration that does not fit, or a lost device.
pub fn activation_cost(gpu: &Gpu, config: &RunConfig, effort: Effort) -> Result<CostRow> {
    let turns = config.steps.unwrap_or(STEPS);
    let configs = [config.clone(), RunConfig { activation: PLAIN.to_owned(), ..config.clone() }];
    let [own, plain] = configs.each_ref().map(|config| build_network(config, [32, 32, 3], 10));
    let networks = [own?, plain?];
    let subject = |k: usize| {
        let batch = configs[k].batch as usize;
        let choices = tune(gpu, &networks[k], batch, precision(&configs[k]), effort)?;
        Subject::new(gpu, &networks[k], &configs[k], choices, 1)
    };
    let mut subjects = [subject(0)?, subject(1)?];
    for subject in &mut subjects {
        // The first compiles on some drivers.
        subject.step()?;
        subject.step()?;
    }
    let mut seconds = [Vec::new(), Vec::new()];
    for turn in 0..turns {
        for k in if turn.is_multiple_of(2) { [0, 1] } else { [1, 0] } {
            seconds[k].push(subjects[k].step()?.1);
        }
    }
    let mut ratios: Vec<f64> = seconds[0].iter().zip(&seconds[1]).map(|(own, plain)| own / plain).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |quarters: usize| ratios[ratios.len() * quarters / 4];
    let [median_step_s, relu_step_s] = seconds.map(median);
    Ok(CostRow {
        measured: Measured::new(gpu, &networks[0], config, turns),
        median_step_s,
        relu_step_s,
        images_per_second: f64::from(config.batch) / median_step_s,
        times_relu: at(2),
        times_relu_quartiles: [at(1), at(3)],
    })
}
