//! Runs an activation on the device at chosen inputs.

use std::fmt;

use crate::Result;
use crate::gpu::Gpu;
use crate::kernels::{Activation, Noise, Rows, activation};
use crate::measure::check::lab::Lab;

const NOISE: Noise = Noise { seed: 4321, layer: 1 };

/// Which of the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Value,
    Derivative,
}

/// Which form of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Train,
    Eval,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if *self == Self::Value { "value" } else { "derivative" })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if *self == Self::Train { "training" } else { "evaluation" })
    }
}

pub(super) struct Probe<'a> {
    lab: Lab<'a>,
    activation: &'a Activation,
}

impl<'a> Probe<'a> {
    pub(super) fn new(gpu: &'a Gpu, activation: &'a Activation) -> Self {
        Self { lab: Lab { gpu }, activation }
    }

    pub(super) fn stochastic(&self) -> bool {
        self.activation.row.stochastic()
    }

    /// The forms that differ.
    pub(super) fn forms(&self) -> Vec<Form> {
        let own = self.activation.row.source.contains("fn value_eval");
        if own { vec![Form::Train, Form::Eval] } else { vec![Form::Eval] }
    }

    /// The function at each x, for four draws of the noise each; the same place has the same noise at the same step.
    pub(super) fn run(&self, what: What, form: Form, xs: &[f32], step: u32) -> Result<Vec<f32>> {
        let rows = Rows { batch: 1, pixels: xs.len(), channels: 4, workgroup: Rows::WIDE };
        let input: Vec<f32> = xs.iter().flat_map(|&x| [x; 4]).collect();
        let (x, state) = (self.lab.floats("x", &input)?, self.lab.state(step)?);
        let train = form == Form::Train;
        let (act, state) = (self.activation, &state.view);
        let output = match what {
            What::Value => {
                let y = self.lab.poisoned("y", rows.words())?;
                self.lab.run([activation::forward(act, train, NOISE, rows, &x.view, state, &y.view)])?;
                y
            }
            What::Derivative => {
                let dy = self.lab.floats("dy", &vec![1.0; rows.words()])?;
                self.lab.run([activation::backward(act, train, NOISE, rows, &x.view, state, &dy.view)])?;
                dy
            }
        };
        Ok(self.lab.read(&output)?.0)
    }
}

/// Mean and standard deviation.
pub(super) fn mean_and_deviation(values: &[f32]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}
