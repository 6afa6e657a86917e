//! Merging of recipe, file, `--set` and flags into one checked configuration.

use std::path::Path;

use toml::{Table, Value};

use super::run::RunConfig;
use super::suggest::did_you_mean;
use super::{recipes, schema};
use crate::error::{Error, Result};

/// The key by which a file builds on an embedded recipe.
const BASE: &str = "base";

pub(super) fn build(recipe: Option<&str>, sets: &[String], flags: &Table) -> Result<RunConfig> {
    let mut merged = Table::new();
    if let Some(name) = recipe {
        let (text, origin) = recipes::load(name)?;
        add_text(&mut merged, &text, &origin)?;
        recipes::published(name)?;
        // A resolved configuration may be that of a recipe that was cut short.
        let own = text.parse::<Table>().map(|own| schema::leaves(&own)).unwrap_or_default();
        let resolved = own.len() + schema::optional_keys().count() >= schema::keys().count();
        if !resolved && own.iter().any(|(key, _)| key == "schedule.milestones") {
            let own = finish(merged.clone())?;
            let longer = add_command_line(merged.clone(), sets, flags)?.epochs.max(own.epochs);
            RunConfig { epochs: longer, ..own }.refuse_past_the_end(&origin)?;
        }
    }
    add_command_line(merged, sets, flags)
}

pub(super) fn over(config: &RunConfig, sets: &[String], flags: &Table) -> Result<RunConfig> {
    add_command_line(schema::table_of(config), sets, flags)
}

fn add_command_line(mut merged: Table, sets: &[String], flags: &Table) -> Result<RunConfig> {
    for set in sets {
        let layer = parse_set(set)?;
        add(&mut merged, &layer, &format!("--set {set}"))?;
    }
    add(&mut merged, flags, "command line")?;
    finish(merged)
}

pub(super) fn from_file(path: &Path) -> Result<RunConfig> {
    from_text(&recipes::read(path)?, &format!("file {}", path.display()))
}

pub(super) fn from_text(text: &str, origin: &str) -> Result<RunConfig> {
    let mut merged = Table::new();
    add_text(&mut merged, text, origin)?;
    finish(merged)
}

/// Sets a dotted key in a table of flags, making its section where needed.
pub fn put(table: &mut Table, key: &str, value: impl Into<Value>) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_string(), value.into());
        }
        Some((section, rest)) => {
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if !entry.is_table() {
                *entry = Value::Table(Table::new());
            }
            if let Value::Table(inner) = entry {
                put(inner, rest, value);
            }
        }
    }
}

/// Adds TOML text, below it the recipe that it names as its base.
fn add_text(merged: &mut Table, text: &str, origin: &str) -> Result<()> {
    let mut layer: Table = text.parse().map_err(|error| syntax(&error, text, origin))?;
    layer.remove(recipes::PUBLISHED);
    match layer.remove(BASE) {
        None => {}
        Some(Value::String(base)) => {
            let recipe = recipes::find(&base).map_err(|error| Error::usage(format!("{origin}: {error}")))?;
            add_text(merged, recipe.toml, &format!("recipe {base}"))?;
        }
        Some(other) => {
            return Err(Error::usage(format!(
                "{origin}: base = {other} must be the name of a recipe, in quotes"
            )));
        }
    }
    add(merged, &layer, origin)
}

/// One sentence with the line for text that is not TOML.
fn syntax(error: &toml::de::Error, text: &str, origin: &str) -> Error {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = 1 + text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count();
    Error::usage(format!("{origin}, line {line}: {}", error.message().replace('\n', ", ")))
}

/// Checks a layer's keys and types and writes its values over those below it.
fn add(merged: &mut Table, layer: &Table, origin: &str) -> Result<()> {
    for (key, value) in layer {
        if schema::is_section(key) && !value.is_table() {
            return Err(Error::usage(format!(
                "{origin}: {key} is a section: set one of its keys, such as {}",
                schema::keys().find(|name| name.starts_with(&format!("{key}."))).unwrap_or(key)
            )));
        }
    }
    for (key, value) in schema::leaves(layer) {
        let example = schema::example(&key)
            .ok_or_else(|| Error::usage(format!("{origin}: {}", schema::unknown_key(&key))))?;
        if value.as_str() == Some("none") && schema::optional_keys().any(|name| name == key) {
            remove(merged, &key);
            continue;
        }
        if !fits(&value, example) {
            return Err(Error::usage(format!("{origin}: {key} takes {}, not {value}", kind(example))));
        }
        put(merged, &key, value);
    }
    Ok(())
}

fn remove(table: &mut Table, key: &str) {
    match key.split_once('.') {
        None => {
            table.remove(key);
        }
        Some((section, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(section) {
                remove(inner, rest);
            }
        }
    }
}

/// Is the value of the example's type? Whole numbers pass for fractions.
fn fits(value: &Value, example: &Value) -> bool {
    match (value, example) {
        (Value::Integer(_), Value::Float(_)) => true,
        (Value::Array(values), Value::Array(examples)) => {
            examples.first().is_none_or(|example| values.iter().all(|value| fits(value, example)))
        }
        _ => value.same_type(example),
    }
}

/// The example's type in words.
fn kind(example: &Value) -> &'static str {
    match example {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list of numbers such as [1, 2, 3]",
        Value::Datetime(_) => "a date",
        Value::Table(_) => "a section",
    }
}

/// `key=value` as a layer: the value in TOML, bare words as text.
fn parse_set(set: &str) -> Result<Table> {
    let shape = || Error::usage(format!("--set {set}: expected KEY=VALUE, such as optimizer.lr=0.05"));
    let (key, text) = set.split_once('=').ok_or_else(shape)?;
    let (key, text) = (key.trim(), text.trim());
    if key.is_empty() || text.is_empty() {
        return Err(shape());
    }
    let parsed = format!("value = {text}").parse::<Table>();
    let value = match parsed {
        Ok(mut table) if table.len() == 1 => table.remove("value"),
        Err(error) if text.starts_with(['"', '\'', '[', '{']) => {
            return Err(Error::usage(format!("--set {set}: {}", error.message().replace('\n', ", "))));
        }
        _ => None,
    };
    // A model or folder may be called 123 or true: where text is wanted, text it is.
    let wants_text = schema::example(key).is_some_and(Value::is_str);
    let value = match value {
        Some(value) if value.is_str() || !wants_text => value,
        _ => Value::String(text.to_string()),
    };
    if schema::example(key).is_none() && !schema::is_section(key) {
        return Err(Error::usage(format!("--set {set}: {}", schema::unknown_key(key))));
    }
    let mut layer = Table::new();
    put(&mut layer, key, value);
    Ok(layer)
}

/// Turns the merged layers into a checked configuration.
fn finish(merged: Table) -> Result<RunConfig> {
    let config: RunConfig = match merged.clone().try_into() {
        Ok(config) => config,
        Err(error) => return Err(blame(&merged, &error)),
    };
    config.validate()?;
    Ok(config)
}

/// Names the key whose value the structs refuse: the one that alone, over the defaults, is refused too.
fn blame(merged: &Table, error: &toml::de::Error) -> Error {
    for (key, value) in schema::leaves(merged) {
        let mut alone = schema::table_of(&RunConfig::default());
        put(&mut alone, &key, value.clone());
        if let Err(error) = alone.try_into::<RunConfig>() {
            let hint = value.as_str().map_or(String::new(), |word| hint(word, error.message()));
            let message = plain(error.message());
            return Error::usage(format!("{key} = {value} is not possible: {message}{hint}"));
        }
    }
    Error::usage(plain(error.message()))
}

/// The closest of the words that serde's message offers, which stand in back quotes after the wrong one.
fn hint(word: &str, message: &str) -> String {
    did_you_mean(word, message.split('`').skip(3).step_by(2))
}

/// serde's message without its back quotes and line breaks.
fn plain(message: &str) -> String {
    message.trim().replace('\n', ", ").replace('`', "\"")
}
