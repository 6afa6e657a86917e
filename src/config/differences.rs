//! What differs between the configuration that a run was written with and the one that it would go on with.

use toml::{Table, Value};

use super::run::RunConfig;
use super::schema;

/// What another value of a key does to a run that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: memory, speed or files change, results do not.
    None,
    /// From here on the run is another one.
    Change,
    /// What the run has so far has no meaning any more.
    Corrupts,
}

/// A key with two values.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The key, dotted.
    pub key: String,
    /// Its value when the checkpoint was written; `none` where it was not given.
    pub was: String,
    /// Its value now.
    pub is: String,
    /// What that does.
    pub effect: Effect,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, was, is, .. } = self;
        write!(f, "{key} was {was}, is {is}")
    }
}

/// Keys that change no result.
const FREE: &[&str] = &[
    "eval_batch",
    "init",
    "on_nan",
    "tensorboard",
    "memory_limit",
    "recompute",
    "data.source",
    "data.resident",
    "checkpoint.steps",
    "checkpoint.minutes",
];
/// Keys of the network's tensors, of what the best so far was judged by, and of the images' shares in training and validation: a run
/// that goes on with others would be judged by images that it has learned from.
const FIXED: &[&str] = &[
    "model",
    "option",
    "width",
    "seed",
    "monitor",
    "data.size",
    "data.split",
    "data.validation",
    "data.train_count",
    "optimizer.kind",
    "optimizer.average",
    "prune.share",
];
/// Keys of the place in an unfinished epoch.
const FIXED_IN_AN_EPOCH: &[&str] = &["batch", "data.last_batch"];

fn effect(key: &str, in_an_epoch: bool) -> Effect {
    if FREE.contains(&key) {
        Effect::None
    } else if FIXED.contains(&key) || in_an_epoch && FIXED_IN_AN_EPOCH.contains(&key) {
        Effect::Corrupts
    } else {
        Effect::Change
    }
}

impl RunConfig {
    /// The keys whose values differ from those in `old`, a resolved configuration that any version wrote: keys that it lacks
    /// had their defaults. `in_an_epoch` says whether the run goes on in the middle of an epoch. Text that is no TOML differs in
    /// nothing that can be named.
    pub fn differences(&self, old: &str, in_an_epoch: bool) -> Vec<Difference> {
        let old: Table = old.parse().unwrap_or_default();
        let defaults = schema::leaves(&schema::table_of(&Self::default()));
        let (old, new) = (schema::leaves(&old), schema::leaves(&schema::table_of(self)));
        let find = |list: &[(String, Value)], key: &str| {
            list.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
        };
        let mut keys: Vec<&String> = old.iter().chain(&new).map(|(key, _)| key).collect();
        keys.sort();
        keys.dedup();
        let mut found = Vec::new();
        for key in keys {
            let was = find(&old, key).or_else(|| find(&defaults, key));
            let is = find(&new, key);
            if was != is {
                let word =
                    |value: Option<Value>| value.map_or_else(|| "none".into(), |value| value.to_string());
                let effect = effect(key, in_an_epoch);
                found.push(Difference { key: key.clone(), was: word(was), is: word(is), effect });
            }
        }
        found
    }
}
