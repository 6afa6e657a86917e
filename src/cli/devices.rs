//! `wgrad devices`

use wgrad::gpu::{AdapterRow, adapters, find_selected, install_hints, no_adapter_hint};
use wgrad::{Error, Result};

use super::Context;

pub(super) fn run(context: &Context) -> Result<()> {
    let rows = adapters(&context.selection)?;
    if rows.is_empty() {
        context.output.line(&rows)?;
        context.output.note(format!("no adapter; what there is to install:\n{}", install_hints()));
        return Err(Error::Device(no_adapter_hint()));
    }
    if !rows.iter().any(|row| row.default) {
        find_selected(&context.selection)?;
    }
    context.output.result(&rows, || rows.iter().map(describe).collect::<Vec<_>>().join("\n\n"))?;
    context.output.note(
        "without --device the first discrete adapter is used, else integrated, virtual, other, software",
    );
    Ok(())
}

fn describe(row: &AdapterRow) -> String {
    let limit = |name: &str| row.limits[name].as_u64().unwrap_or(0);
    let mut text = format!(
        "{}  {}\n   {} {}, driver {}\n   features: {}\n   largest buffer {} MiB, binding {} MiB, workgroup memory {} KiB, {} invocations",
        row.index,
        row.name,
        row.kind,
        row.backend,
        row.driver,
        if row.features.is_empty() { "none".to_owned() } else { row.features.join(", ") },
        limit("max_buffer_size") >> 20,
        limit("max_storage_buffer_binding_size") >> 20,
        limit("max_compute_workgroup_storage_size") >> 10,
        limit("max_compute_invocations_per_workgroup"),
    );
    if let Some(memory) = row.memory {
        text += &format!("\n   memory {} MiB", memory.total >> 20);
        if let Some(free) = memory.free {
            text += &format!(", {} MiB free", free >> 20);
        }
    }
    for path in &row.paths {
        let sign = if path.available { "yes" } else { "no" };
        text += &format!("\n   {sign:<4}{}: {}", path.name, path.note);
    }
    if let Some(reason) = &row.reason {
        text += &format!("\n   used: {reason}");
    }
    text
}
