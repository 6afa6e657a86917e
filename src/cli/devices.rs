//! `wgrad devices`

use wgrad::gpu::{AdapterRow, adapters, no_adapter_hint};
use wgrad::{Error, Result};

use super::Context;

pub(super) fn run(context: &Context) -> Result<()> {
    let rows = adapters(&context.selection)?;
    context.output.result(&rows, || rows.iter().map(describe).collect::<Vec<_>>().join("\n\n"))?;
    if rows.is_empty() {
        return Err(Error::Device(no_adapter_hint()));
    }
    context.output.note("the default is the first discrete, else integrated, virtual, software adapter");
    Ok(())
}

fn describe(row: &AdapterRow) -> String {
    let limit = |name: &str| row.limits[name].as_u64().unwrap_or(0);
    format!(
        "{}  {}{}\n   {} {}, driver {}\n   features: {}\n   largest buffer {} MiB, binding {} MiB, workgroup memory {} KiB, {} invocations",
        row.index,
        row.name,
        if row.default { "  (default)" } else { "" },
        row.kind,
        row.backend,
        row.driver,
        if row.features.is_empty() { "none".to_owned() } else { row.features.join(", ") },
        limit("max_buffer_size") >> 20,
        limit("max_storage_buffer_binding_size") >> 20,
        limit("max_compute_workgroup_storage_size") >> 10,
        limit("max_compute_invocations_per_workgroup"),
    )
}
