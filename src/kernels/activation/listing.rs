//! The table for people: the README's, the command line's help and `wgrad activations`.

use serde_json::{Value, json};

use super::row::{Draws, Kind, Parameter, Row};
use super::spec::Activation;
use super::table::ACTIVATIONS;

impl Parameter {
    /// What the parameter may be, with its default: `retain 0..=1 [0.95]`.
    pub fn describe(&self) -> String {
        let name = self.name;
        match self.kind {
            Kind::Number { min, max, default } => format!("{name} {min}..={max} [{default}]"),
            Kind::Count { min, max, default } => format!("{name} {min}..={max} [{default}]"),
            Kind::Choice(words) => format!("{name} {}", words.join(" or ")),
            Kind::Function(default) => {
                format!("{name} any fixed activation: no noise, nothing learned, channels kept [{default}]")
            }
        }
    }

    fn json(&self) -> Value {
        let name = self.name;
        match self.kind {
            Kind::Number { min, max, default } => {
                // As people write them: the shortest decimals that read back to the same f32.
                let [min, max, default] =
                    [min, max, default].map(|v| v.to_string().parse::<f64>().unwrap_or(f64::from(v)));
                json!({"name": name, "min": min, "max": max, "default": default})
            }
            Kind::Count { min, max, default } => {
                json!({"name": name, "min": min, "max": max, "default": default})
            }
            Kind::Choice(words) => json!({"name": name, "words": words, "default": words[0]}),
            Kind::Function(default) => json!({"name": name, "words": fixed_names(), "default": default}),
        }
    }
}

/// Names of the activations that another may name as its function.
pub(super) fn fixed_names() -> Vec<&'static str> {
    ACTIVATIONS.iter().filter(|row| row.plain()).map(|row| row.name).collect()
}

impl Row {
    /// The SPEC with every parameter at its default.
    pub fn spec(&'static self) -> String {
        Activation::default_of(self).spec()
    }

    fn parameters_described(&self) -> Vec<String> {
        self.parameters.iter().map(Parameter::describe).collect()
    }

    /// Everything that a program could want to know of it.
    pub fn json(&'static self) -> Value {
        let draws = match self.draws {
            Draws::Nothing => Value::Null,
            Draws::Uniform => json!("uniform"),
            Draws::Normal => json!("normal"),
        };
        json!({
            "name": self.name,
            "spec": self.spec(),
            "formula": self.formula,
            "parameters": self.parameters.iter().map(Parameter::json).collect::<Vec<_>>(),
            "draws": draws,
            "source": self.origin,
        })
    }
}

/// The README's table.
pub fn markdown() -> String {
    let mut text =
        "| name | training form | parameters [default, or the first] | source |\n|---|---|---|---|\n"
            .to_owned();
    for row in ACTIVATIONS {
        let Row { name, formula, origin, .. } = row;
        let parameters = row.parameters_described().join("; ");
        text += &format!("| `{name}` | {} | {parameters} | {origin} |\n", formula.replace('|', "\\|"));
    }
    text
}

/// Two lines or more for each activation.
pub fn listing() -> String {
    let mut lines = Vec::new();
    for row in ACTIVATIONS {
        lines.push(format!("{:<16}{}", row.name, row.formula));
        lines.extend(row.parameters_described().into_iter().map(|line| format!("{:<16}  {line}", "")));
        if row.origin != "-" {
            lines.push(format!("{:<16}  ({})", "", row.origin));
        }
    }
    lines.join("\n")
}

/// What the command line's help says of SPEC.
pub fn help() -> String {
    let mut text = "NAME or NAME:KEY=VALUE,... with these; `wgrad activations` says more:\n".to_owned();
    for row in ACTIVATIONS {
        let parameters = row.parameters_described().join(", ");
        let parameters = if parameters.is_empty() { String::new() } else { format!("; {parameters}") };
        text += &format!("  {:<15} {}{parameters}\n", row.name, row.formula);
    }
    text
}
