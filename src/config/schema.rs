//! The keys that exist and the type of each, taken from the structs themselves.

use std::sync::LazyLock;

use toml::{Table, Value};

use super::run::RunConfig;
use super::suggest::closest;

/// Every key, dotted, with an example of its type.
static KEYS: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| leaves(&table_of(&full())));
static OPTIONAL: LazyLock<Vec<String>> = LazyLock::new(|| {
    let always = leaves(&table_of(&RunConfig::default()));
    let given = |key: &String| always.iter().any(|(other, _)| other == key);
    KEYS.iter().map(|(key, _)| key.clone()).filter(|key| !given(key)).collect()
});

/// A configuration in which every optional key is given.
fn full() -> RunConfig {
    let mut config =
        RunConfig { steps: Some(1), init: Some("init.safetensors".into()), ..RunConfig::default() };
    config.checkpoint.steps = Some(1);
    config.memory_limit = Some(1);
    config.data.train_count = Some(1);
    config.augment.mean = Some([0.5; 3]);
    config.augment.std = Some([0.5; 3]);
    config.optimizer.clip_norm = Some(1.0);
    config.optimizer.clip_value = Some(1.0);
    config.optimizer.average = Some(0.5);
    config.schedule.factors = Some(vec![1.0]);
    config.schedule.warmup_share = Some(0.5);
    config.early_stopping.patience = Some(1);
    config.prune.share = Some(0.5);
    config
}

pub(super) fn table_of(config: &RunConfig) -> Table {
    Table::try_from(config).expect("a configuration is a table")
}

/// All values of a table with their dotted keys.
pub(super) fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                found.extend(leaves(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => found.push((key.clone(), value.clone())),
        }
    }
    found
}

/// Every key of a configuration, dotted (`optimizer.lr`), in alphabetical order.
pub fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(key, _)| key.as_str())
}

/// The keys that may be left out of a resolved configuration; `none` unsets them.
pub fn optional_keys() -> impl Iterator<Item = &'static str> {
    OPTIONAL.iter().map(String::as_str)
}

/// An example of the type that a key takes; `None` for an unknown key.
pub(super) fn example(key: &str) -> Option<&'static Value> {
    KEYS.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Is this the name of a section such as `optimizer`?
pub(super) fn is_section(key: &str) -> bool {
    keys().any(|name| name.split_once('.').is_some_and(|(section, _)| section == key))
}

/// One sentence about a key that does not exist, with the closest one that does.
pub(super) fn unknown_key(key: &str) -> String {
    let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let word = key.rsplit('.').next().unwrap_or(key);
    let same_word = keys().find(|name| last(name) == word);
    let near_word = || {
        let near = closest(word, keys().map(last))?;
        keys().find(|name| last(name) == near)
    };
    match same_word.or_else(|| closest(key, keys())).or_else(near_word) {
        Some(name) => format!("there is no key {key}; did you mean {name}?"),
        None => format!("there is no key {key}; the keys are {}", keys().collect::<Vec<_>>().join(", ")),
    }
}
