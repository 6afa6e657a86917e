//! A step as a Chrome trace: what chrome://tracing and ui.perfetto.dev open.

use serde_json::{Value, json};

use super::work::Phase;

/// One dispatch of the step that is drawn.
#[derive(Clone, Debug)]
pub struct Event {
    /// The kernel's name in the registry.
    pub kernel: String,
    /// The layer that it is for.
    pub layer: String,
    /// The part of the step.
    pub phase: Phase,
    /// Nanoseconds of the clock.
    pub start: u64,
    /// Nanoseconds of the clock.
    pub end: u64,
    /// Bytes that it must move.
    pub bytes: u64,
    /// Floating-point operations.
    pub flops: u64,
    /// Workgroups.
    pub groups: [u32; 3],
}

/// The tracks of a trace, by their number.
const TRACKS: [&str; 2] = ["parts of the step", "dispatches"];

/// The trace as one JSON document (Trace Event Format): complete events ("ph": "X") with `ts` and `dur` in microseconds from
/// the step's start, the parts of the step on one track and the dispatches on another, and the tracks' names.
pub fn chrome_trace(device: &str, events: &[Event]) -> Value {
    let origin = events.iter().map(|event| event.start).min().unwrap_or(0);
    let micros = |nanoseconds: u64| nanoseconds as f64 / 1e3;
    let complete = |name: &str, category: &str, track: usize, start: u64, end: u64, args: Value| {
        json!({
            "name": name, "cat": category, "ph": "X", "pid": 1, "tid": track + 1,
            "ts": micros(start - origin), "dur": micros(end.saturating_sub(start)), "args": args,
        })
    };
    let meta = |kind: &str, track: usize, name: &str| json!({ "name": kind, "ph": "M", "pid": 1, "tid": track, "args": { "name": name } });
    let mut all = vec![meta("process_name", 0, device)];
    all.extend(TRACKS.iter().enumerate().map(|(track, name)| meta("thread_name", track + 1, name)));
    // Runs of neighbouring dispatches of one part.
    for run in events.chunk_by(|a, b| a.phase == b.phase) {
        if let [first, ..] = run {
            let end = run.iter().map(|event| event.end).max().unwrap_or(first.end);
            let args = json!({ "dispatches": run.len() });
            all.push(complete(first.phase.name(), "part", 0, first.start, end, args));
        }
    }
    all.extend(events.iter().map(|event| {
        let Event { kernel, layer, phase, start, end, bytes, flops, groups } = event;
        let args = json!({ "layer": layer, "bytes": bytes, "flops": flops, "workgroups": groups });
        complete(kernel, phase.name(), 1, *start, *end, args)
    }));
    json!({ "traceEvents": all, "displayTimeUnit": "ms" })
}
