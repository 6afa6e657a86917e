//! `wgrad --version`: what a report of a fault needs.

use serde_json::json;
use wgrad::Result;
use wgrad::gpu::{Selection, adapters};

use super::output::Output;

/// Versions of all crates that the program was built with.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The version of a crate in the lock file.
fn version_of(name: &str) -> &'static str {
    let start = format!("name = \"{name}\"\nversion = \"");
    let rest = LOCK.split_once(start.as_str()).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split('"').next()).unwrap_or("of unknown version")
}

/// Prints the program's version, that of wgpu, and the adapter that is used by default.
pub(super) fn run(output: Output) -> Result<()> {
    let rows = adapters(&Selection::default()).unwrap_or_default();
    let adapter = rows.iter().find(|row| row.default).or(rows.first());
    let name = adapter.map(|row| format!("{} ({}, {})", row.name, row.backend, row.driver));
    let (own, wgpu) = (env!("CARGO_PKG_VERSION"), version_of("wgpu"));
    output.result(&json!({"wgrad": own, "wgpu": wgpu, "adapter": name}), || {
        let adapter = name.clone().unwrap_or_else(|| "none found, see `wgrad devices`".into());
        format!("wgrad {own}\nwgpu {wgpu}\nadapter: {adapter}")
    })
}
