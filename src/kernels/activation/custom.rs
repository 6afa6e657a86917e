//! Activations from a user's file: its header's parameters, its functions, and the names that it must leave alone.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use super::compose::declared;
use super::names::{BUILTIN, declarations};
use super::row::{Draws, Kind, PLAIN, Parameter, Row};
use crate::gpu::{Constants, Fault, Signature, compose, inspect};
use crate::kernels::{KERNELS, lib};
use crate::{Error, Result};

/// Most bytes of a file.
const MOST_BYTES: u64 = 64 * 1024;

/// The functions that a file may have: name and number of parameters. Those with one are for evaluation; a file that draws noise must
/// have them.
const FUNCTIONS: [(&str, usize); 4] =
    [("value", 2), ("derivative", 2), ("value_eval", 1), ("derivative_eval", 1)];

/// Rows of the files read so far, by path and content. They stay for good: an activation is used as long as the program.
static ROWS: LazyLock<Mutex<HashMap<(String, String), &'static Row>>> = LazyLock::new(Mutex::default);

/// Splits a SPEC that names a file, `PATH.wgsl` or `PATH.wgsl:key=value`, into path and parameters.
pub(super) fn file_of(spec: &str) -> Option<(&str, &str)> {
    if let Some(path) = spec.strip_suffix(".wgsl") {
        return Some((&spec[..path.len() + 5], ""));
    }
    let at = spec.find(".wgsl:")? + 5;
    Some((&spec[..at], &spec[at + 1..]))
}

/// The text of a file, if it can be one.
pub(super) fn read(path: &str) -> Result<String> {
    let file = Path::new(path);
    let bytes = std::fs::metadata(file).map_err(Error::io("read", file))?.len();
    if bytes > MOST_BYTES {
        return Err(Error::usage(format!(
            "activation {path}: has {bytes} bytes, an activation takes at most {MOST_BYTES}: give a file with its functions alone"
        )));
    }
    let content = std::fs::read(file).map_err(Error::io("read", file))?;
    String::from_utf8(content).map_err(|_| Error::usage(format!("activation {path}: is no UTF-8 text")))
}

/// The row of a file.
///
/// # Errors
/// What is wrong with it, at its line and column.
pub(super) fn load(path: &str) -> Result<&'static Row> {
    let text = read(path)?;
    let key = (path.to_owned(), text.clone());
    let mut rows = ROWS.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(row) = rows.get(&key) {
        return Ok(row);
    }
    let row = row_of(path, &text).map_err(|Fault { line, column, message }| {
        Error::usage(format!("{path}:{line}:{column}: {message}"))
    })?;
    let row: &'static Row = Box::leak(Box::new(row));
    rows.insert(key, row);
    Ok(row)
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn row_of(path: &str, text: &str) -> Result<Row, Fault> {
    let header = Header::parse(text)?;
    check_names(text, &header.parameters)?;
    let mut constants = Constants::new();
    for parameter in &header.parameters {
        if let Kind::Number { default, .. } = parameter.kind {
            constants = constants.f32(parameter.constant, default);
        }
    }
    let functions = inspect(&compose(text, &[lib::ELEMENTARY], &constants))?;
    check_functions(&functions, text, header.draws)?;
    Ok(Row {
        name: leak(path),
        source: leak(text),
        libraries: &[lib::ELEMENTARY],
        formula: leak(&header.about),
        origin: leak(path),
        parameters: Box::leak(header.parameters.into_boxed_slice()),
        draws: header.draws,
        custom: true,
        ..PLAIN
    })
}

/// What the comments at a file's lines say.
struct Header {
    about: String,
    parameters: Vec<Parameter>,
    draws: Draws,
}

impl Header {
    fn parse(text: &str) -> Result<Self, Fault> {
        let mut header = Self { about: String::new(), parameters: Vec::new(), draws: Draws::Nothing };
        for (line, number) in text.lines().zip(1..) {
            let Some(comment) = line.trim_start().strip_prefix("//") else { continue };
            let comment = comment.trim();
            let fail = |message: String| Fault { line: number, column: 1, message };
            if let Some(rest) = comment.strip_prefix("param:") {
                let parameter = parameter(rest).map_err(fail)?;
                if header.parameters.iter().any(|known| known.constant == parameter.constant) {
                    return Err(fail(format!("parameter {} is declared twice", parameter.name)));
                }
                header.parameters.push(parameter);
            } else if let Some(rest) = comment.strip_prefix("noise:") {
                header.draws = match rest.trim() {
                    "uniform" => Draws::Uniform,
                    "normal" => Draws::Normal,
                    other => return Err(fail(format!("noise is uniform or normal, not {other:?}"))),
                };
            } else if header.about.is_empty() {
                comment.clone_into(&mut header.about);
            }
        }
        Ok(header)
    }
}

/// `slope = 0.1 in 0..1`
fn parameter(text: &str) -> Result<Parameter, String> {
    let shape = || format!("expected `param: NAME = DEFAULT in MIN..MAX`, got {:?}", text.trim());
    let (name, rest) = text.split_once('=').ok_or_else(shape)?;
    let (default, range) = rest.split_once(" in ").ok_or_else(shape)?;
    let (min, max) = range.split_once("..").ok_or_else(shape)?;
    let name = name.trim();
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !plain || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(format!("parameter {name:?}: expected a name of small letters, digits and _"));
    }
    let number = |text: &str| {
        let value = text.trim().parse::<f32>().ok().filter(|value| value.is_finite());
        value.ok_or_else(|| format!("parameter {name}: {:?} is no number", text.trim()))
    };
    let [min, max, default] = [number(min)?, number(max)?, number(default)?];
    if !(min..=max).contains(&default) {
        return Err(format!("parameter {name}: the default {default} is not in {min}..{max}"));
    }
    let constant = leak(&name.to_uppercase());
    Ok(Parameter { name: leak(name), constant, kind: Kind::Number { min, max, default } })
}

/// Names that the kernels around an activation declare, and those that WGSL declares.
fn is_taken(name: &str) -> bool {
    static OURS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let around = || KERNELS.iter().filter(|kernel| kernel.activation);
        let libraries = around().flat_map(|kernel| kernel.libraries.iter().chain([&kernel.source]));
        let more = [lib::LEARNED, lib::ELEMENTARY, lib::NORMAL, lib::NOISE_NORMAL, lib::NOISE_UNIFORM];
        let texts = libraries.copied().chain(more);
        let names = texts.flat_map(|text| declarations(text).into_iter().map(|(name, _, _)| name));
        let constants = around().flat_map(|kernel| kernel.constants.iter().map(|name| (*name).to_owned()));
        names.chain(constants).chain(["UNIT", "MONTE_CARLO", "WORKGROUP"].map(str::to_owned)).collect()
    });
    OURS.iter().any(|own| own == name) || BUILTIN.contains(&name)
}

fn check_names(text: &str, parameters: &[Parameter]) -> Result<(), Fault> {
    for (name, line, column) in declarations(text) {
        if is_taken(&name) {
            let message =
                format!("{name} is a name of wgrad's own shaders or of WGSL: call yours something else");
            return Err(Fault { line, column, message });
        }
    }
    for Parameter { name, constant, .. } in parameters {
        if is_taken(constant) {
            let message = format!(
                "parameter {name}: its constant {constant} is a name of wgrad's own shaders: call it something else"
            );
            return Err(Fault { line: 1, column: 1, message });
        }
    }
    Ok(())
}

fn check_functions(functions: &[Signature], text: &str, draws: Draws) -> Result<(), Fault> {
    let places = declarations(text);
    let own: Vec<&str> = declared(text).collect();
    let fail = |name: &str, message: String| {
        let place = places.iter().find(|(known, _, _)| known == name);
        let (line, column) = place.map_or((1, 1), |(_, line, column)| (*line, *column));
        Err(Fault { line, column, message })
    };
    for (name, parameters) in FUNCTIONS {
        let form = if parameters == 2 { "(x: f32, u: f32) -> f32" } else { "(x: f32) -> f32" };
        let evaluation = parameters == 1;
        let partner = if name == "value_eval" { "derivative_eval" } else { "value_eval" };
        match functions.iter().find(|function| function.name == name) {
            Some(function) if function.parameters == parameters && function.floats => {}
            Some(_) => return fail(name, format!("{name} must be fn {name}{form}")),
            None if !evaluation => {
                return fail(name, format!("there is no fn {name}{form}: an activation needs one"));
            }
            None if draws != Draws::Nothing => {
                let message = format!(
                    "it draws noise but has no fn {name}{form}: give what evaluation uses in the noise's place, the mean for example"
                );
                return fail(name, message);
            }
            None if own.contains(&partner) => {
                return fail(partner, format!("{partner} needs fn {name}{form} beside it"));
            }
            None => {}
        }
    }
    Ok(())
}
