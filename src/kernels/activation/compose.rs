//! The shader text of an activation: its functions, what they use, its constants.

use std::fmt::Write;

use super::row::{Draws, Form, Kind};
use super::spec::Activation;
use super::table::ACTIVATIONS;
use crate::gpu::{Constants, ShaderText};
use crate::kernels::lib;

impl Activation {
    /// The shader text of the functions, complete with those for evaluation, for the noise, and with what they use.
    pub fn source(&self) -> ShaderText {
        let mut texts = vec![self.functions()];
        if !declared(self.row.source).any(|name| name == "value_eval") {
            texts.push(lib::DETERMINISTIC.to_owned());
        }
        match self.row.draws {
            Draws::Normal => texts.extend([lib::NORMAL.to_owned(), lib::NOISE_NORMAL.to_owned()]),
            Draws::Nothing | Draws::Uniform => texts.push(lib::NOISE_UNIFORM.to_owned()),
        }
        if self.row.form == Form::Learned {
            texts.push(lib::LEARNED.to_owned());
        }
        for (parameter, &value) in self.row.parameters.iter().zip(self.values()) {
            if let Kind::Function(_) = parameter.kind {
                texts.push(Self::default_of(&ACTIVATIONS[value as usize]).as_component(parameter.name));
            }
        }
        ShaderText { text: texts.join("\n"), trusted: !self.row.custom }
    }

    /// The row's text and its libraries.
    fn functions(&self) -> String {
        [&[self.row.source], self.row.libraries].concat().join("\n")
    }

    /// The same with `prefix_` before every name that it declares, and with its constants.
    fn as_component(&self, prefix: &str) -> String {
        let mut text = self.functions();
        for (name, value, kind) in self.parameter_constants().rows() {
            let _ = writeln!(text, "\nconst {name}: {kind} = {value};");
        }
        let names: Vec<String> = declared(&text).map(str::to_owned).collect();
        prefixed(&text, &names, prefix)
    }

    fn parameter_constants(&self) -> Constants {
        self.row.parameters.iter().zip(self.values()).fold(Constants::new(), |all, (parameter, &value)| {
            match parameter.kind {
                Kind::Number { .. } => all.f32(parameter.constant, value),
                Kind::Count { .. } | Kind::Choice(_) => all.u32(parameter.constant, value as u32),
                Kind::Function(_) => all,
            }
        })
    }

    /// The shader constants: parameters, TRAIN, STOCHASTIC, MONTE_CARLO, and UNIT where it is no parameter.
    pub fn constants(&self, train: bool) -> Constants {
        let constants = Constants::new().bool("TRAIN", train).bool("STOCHASTIC", self.row.stochastic());
        let constants = constants.bool("MONTE_CARLO", self.monte_carlo());
        let all = constants.with(&self.parameter_constants());
        if all.names().any(|name| name == "UNIT") { all } else { all.u32("UNIT", 0) }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Names of the functions and constants that a text declares at its lines' starts.
pub(super) fn declared(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line.strip_prefix("fn ").or_else(|| line.strip_prefix("const "))?;
        rest.split(|c| !is_word(c)).next()
    })
}

/// The text with `prefix_` before every whole word of `names`.
fn prefixed(text: &str, names: &[String], prefix: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let length = rest[start..].find(|c| !is_word(c)).unwrap_or(rest.len() - start);
        let (before, word) = (&rest[..start], &rest[start..start + length]);
        out.push_str(before);
        if names.iter().any(|name| name == word) {
            let _ = write!(out, "{prefix}_");
        }
        out.push_str(word);
        rest = &rest[start + length..];
    }
    out + rest
}
