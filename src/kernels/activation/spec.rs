//! An activation with its parameters, to and from a SPEC string.

use super::custom;
use super::listing::fixed_names;
use super::row::{Form, Kind, Row};
use super::table::ACTIVATIONS;
use crate::config::did_you_mean;
use crate::{Error, Result};

/// An activation with its parameters' values, as a SPEC string names it: `dropact:retain=0.95`.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The row of the table.
    pub row: &'static Row,
    values: Vec<f32>,
    monte_carlo: bool,
}

/// Where an activation without randomness stands in the table.
fn place(name: &str) -> Option<usize> {
    ACTIVATIONS.iter().position(|row| row.name == name && row.plain())
}

impl Activation {
    /// The activation without parameters given.
    pub(super) fn default_of(row: &'static Row) -> Self {
        let values = row.parameters.iter().map(|parameter| match parameter.kind {
            Kind::Number { default, .. } => default,
            Kind::Count { default, .. } => default as f32,
            Kind::Choice(_) => 0.0,
            Kind::Function(default) => place(default).unwrap_or(0) as f32,
        });
        Self { row, values: values.collect(), monte_carlo: false }
    }

    /// y = x: a batch norm without an activation.
    pub fn identity() -> Self {
        Self::default_of(&ACTIVATIONS[0])
    }

    /// Reads `name` or `name:key=value,key=value`; a name that ends in `.wgsl` is a user's file.
    ///
    /// # Errors
    /// An unknown name or key, a value that is no number or outside its range: named, with what there is. What is wrong with
    /// a file, at its line and column.
    pub fn parse(spec: &str) -> Result<Self> {
        let (row, rest) = match custom::file_of(spec) {
            Some((path, rest)) => (custom::load(path)?, rest),
            None => {
                let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
                let row = ACTIVATIONS.iter().find(|row| row.name == name).ok_or_else(|| {
                    let names: Vec<_> = ACTIVATIONS.iter().map(|row| row.name).collect();
                    Error::usage(match did_you_mean(name, names.iter().copied()) {
                        hint if hint.is_empty() => {
                            format!(
                                "unknown activation {name:?}: there are {}, or a FILE.wgsl",
                                names.join(", ")
                            )
                        }
                        hint => format!("unknown activation {name:?}{hint} `wgrad activations` lists them"),
                    })
                })?;
                (row, rest)
            }
        };
        let mut activation = Self::default_of(row);
        for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
            activation.set(pair)?;
        }
        activation.check_order()?;
        Ok(activation)
    }

    /// A lower end may not lie above its upper end.
    fn check_order(&self) -> Result<()> {
        let (lower, upper) = (self.value_of("lower"), self.value_of("upper"));
        if lower <= upper {
            return Ok(());
        }
        let name = self.row.name;
        Err(Error::usage(format!(
            "activation {name}: lower = {lower} is above upper = {upper}: exchange them"
        )))
    }

    fn set(&mut self, pair: &str) -> Result<()> {
        let name = self.row.name;
        let fail = |reason: String| Err(Error::usage(format!("activation {name}: {reason}")));
        let Some((key, value)) = pair.split_once('=') else {
            return fail(format!("expected key=value, got {pair:?}"));
        };
        let Some(at) = self.row.parameters.iter().position(|parameter| parameter.name == key) else {
            if let Some((_, sentence)) = self.row.refused.iter().find(|(refused, _)| *refused == key) {
                return fail(format!("{key} is not taken: {sentence}"));
            }
            let known: Vec<_> = self.row.parameters.iter().map(|parameter| parameter.name).collect();
            let hint = did_you_mean(key, known.iter().copied());
            let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
            return fail(format!("unknown parameter {key:?}: {known}{hint}"));
        };
        self.values[at] = match self.row.parameters[at].kind {
            Kind::Number { min, max, .. } => match value.parse::<f32>() {
                Ok(number) if (min..=max).contains(&number) => number,
                _ => return fail(format!("{key} must be a number in {min}..={max}, got {value:?}")),
            },
            Kind::Count { min, max, .. } => match value.parse::<u32>() {
                Ok(number) if (min..=max).contains(&number) => number as f32,
                _ => return fail(format!("{key} must be a whole number in {min}..={max}, got {value:?}")),
            },
            Kind::Choice(words) => match words.iter().position(|word| *word == value) {
                Some(place) => place as f32,
                None => {
                    let hint = did_you_mean(value, words.iter().copied());
                    return fail(format!("{key} must be one of {}, got {value:?}{hint}", words.join(", ")));
                }
            },
            Kind::Function(_) => match place(value) {
                Some(place) => place as f32,
                None => {
                    let hint = did_you_mean(value, fixed_names());
                    let names = fixed_names().join(", ");
                    return fail(format!("{key} must be one of {names}, got {value:?}{hint}"));
                }
            },
        };
        Ok(())
    }

    /// The same, but with its noise in evaluation too.
    #[must_use]
    pub fn with_noise_in_evaluation(&self) -> Self {
        Self { monte_carlo: true, ..self.clone() }
    }

    pub(super) fn monte_carlo(&self) -> bool {
        self.monte_carlo
    }

    /// The value of this parameter; 0 where there is none of the name.
    fn value_of(&self, name: &str) -> f32 {
        let at = self.row.parameters.iter().position(|parameter| parameter.name == name);
        at.map_or(0.0, |at| self.values[at])
    }

    /// Channels that it gives for so many; `None` where it cannot take that number.
    pub fn channels(&self, channels: usize) -> Option<usize> {
        match self.row.form {
            Form::Elementwise | Form::Learned => Some(channels),
            Form::Doubled => Some(2 * channels),
            Form::Pieces => channels.is_multiple_of(self.pieces()).then(|| channels / self.pieces()),
        }
    }

    /// Channels that it takes for each that a model names: a maxout's pieces, else 1.
    pub fn pieces(&self) -> usize {
        if self.row.form == Form::Pieces { self.value_of("pieces") as usize } else { 1 }
    }

    /// Learned numbers for so many channels.
    pub fn learned(&self, channels: usize) -> usize {
        match (self.row.form, self.shares()) {
            (Form::Learned, true) => 1,
            (Form::Learned, false) => channels,
            _ => 0,
        }
    }

    /// Whether it is linear in x once its noise is drawn: the identity, or dropout of it.
    pub fn is_linear(&self) -> bool {
        let linear = |name: &str| matches!(name, "identity" | "scale");
        let of = self.row.parameters.iter().position(|parameter| parameter.name == "of");
        linear(self.row.name) || of.is_some_and(|at| linear(ACTIVATIONS[self.values[at] as usize].name))
    }

    /// Whether all channels have the same learned number.
    pub fn shares(&self) -> bool {
        self.row.form == Form::Learned && self.value_of("share") == 0.0
    }

    /// What the learned numbers start with.
    pub fn start(&self) -> f32 {
        self.values.first().copied().unwrap_or_default()
    }

    /// The file that the SPEC names, and its text, where it names one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn file(spec: &str) -> Result<Option<(&str, String)>> {
        custom::file_of(spec).map(|(path, _)| Ok((path, custom::read(path)?))).transpose()
    }

    /// The parameters' values, in the table's order; a choice as its position, an activation as its place in the table.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The whole SPEC, with every parameter.
    pub fn spec(&self) -> String {
        let pairs: Vec<_> = self
            .row
            .parameters
            .iter()
            .zip(&self.values)
            .map(|(parameter, value)| match parameter.kind {
                Kind::Number { .. } | Kind::Count { .. } => format!("{}={value}", parameter.name),
                Kind::Choice(words) => format!("{}={}", parameter.name, words[*value as usize]),
                Kind::Function(_) => format!("{}={}", parameter.name, ACTIVATIONS[*value as usize].name),
            })
            .collect();
        if pairs.is_empty() {
            self.row.name.to_owned()
        } else {
            format!("{}:{}", self.row.name, pairs.join(","))
        }
    }
}
