//! Profiles: which part a dispatch belongs to, what it moves, the trace, the roofline.

use naga::valid::GlobalUse;
use serde_json::Value;
use wgrad::gpu::Access;
use wgrad::kernels::KERNELS;
use wgrad::measure::profile::work::{IN_PLACE, Phase, phases};
use wgrad::measure::profile::{Ceilings, Copy, Event, chrome_trace};
use wgrad::report::{Roofline, RooflinePoint};

use super::shaders::{cases::cases, parse};

/// A few words, whose bytes do not count; and a gradient that is read only to be judged.
const SMALL: &[(&str, &str)] = &[
    ("optimizer/advance", "state"),
    ("optimizer/advance", "scaling"),
    ("optimizer/reduce", "gradient"),
    ("batchnorm/forward", "running"),
    ("batchnorm/forward", "saved"),
];

#[test]
fn what_is_read_and_written_counts_twice() {
    for kernel in KERNELS {
        let (module, info) = parse(&cases(kernel)[0].text()).unwrap();
        for (handle, variable) in module.global_variables.iter() {
            let name = variable.name.as_deref().unwrap_or_default();
            let Some(row) = kernel.bindings.iter().find(|row| row.0 == name) else { continue };
            let both = info.get_entry_point(0)[handle].contains(GlobalUse::READ | GlobalUse::WRITE);
            let accumulates = name == "dx" && kernel.constants.contains(&"ACCUMULATE");
            let known = IN_PLACE.contains(&(kernel.name, name)) || SMALL.contains(&(kernel.name, name));
            assert_eq!(both && row.1 == Access::Write, known || accumulates, "{} {name}", kernel.name);
        }
    }
}

#[test]
fn memory_is_compared_with_copies_of_its_size() {
    let copy = |bytes, gb_per_s| Copy { bytes, gb_per_s };
    let copies = vec![copy(1 << 20, 50.0), copy(1 << 26, 10.0)];
    let ceilings = Ceilings { gb_per_s: 10.0, gflop_per_s: 100.0, copies };
    let seconds = |bytes| ceilings.least_seconds(bytes, 3_000_000_000);
    for (bytes, rate) in [(1000, 50e9), (1 << 20, 50e9), (1 << 25, 50e9), (1 << 26, 10e9), (1 << 30, 10e9)] {
        let (by_memory, by_arithmetic) = seconds(bytes);
        assert!((by_memory / (bytes as f64 / rate) - 1.0).abs() < 1e-12, "{bytes}: {by_memory}");
        assert!((by_arithmetic - 0.03).abs() < 1e-12);
    }
}

#[test]
fn phases_of_a_step() {
    use Phase::{Augment, Backward, Forward, Optimizer};
    let kernels = [
        ("optimizer/advance", Optimizer),
        ("augment/gather", Augment),
        ("conv/forward_direct", Forward),
        ("batchnorm/forward", Forward),
        ("loss/cross_entropy", Forward),
        ("dropout/forward", Backward),
        ("conv/input_gradient_direct", Backward),
        ("optimizer/reduce", Backward),
        ("optimizer/sgd", Optimizer),
    ];
    assert_eq!(phases(kernels.iter().map(|row| row.0)), kernels.map(|row| row.1));
}

fn event(kernel: &str, phase: Phase, start: u64, end: u64) -> Event {
    let (kernel, layer) = (kernel.to_owned(), "layer1.0.conv1".to_owned());
    Event { kernel, layer, phase, start, end, bytes: 64, flops: 128, groups: [4, 1, 2] }
}

/// The rules of the Trace Event Format that viewers rely on.
fn check_trace(trace: &Value) {
    let events = trace["traceEvents"].as_array().expect("traceEvents");
    let mut last = std::collections::HashMap::new();
    for event in events {
        assert!(event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64(), "{event}");
        match event["ph"].as_str() {
            Some("M") => assert!(event["args"]["name"].is_string(), "{event}"),
            Some("X") => {
                let (ts, dur) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
                assert!(ts >= 0.0 && dur >= 0.0, "{event}");
                // Slices of a track follow one another: viewers drop those that cross.
                let end = last.entry(event["tid"].as_u64()).or_insert(0.0);
                assert!(ts >= *end - 1e-3, "{event} begins before {end}");
                *end = ts + dur;
            }
            other => panic!("{other:?} in {event}"),
        }
    }
    let named = |kind: &str| events.iter().filter(|event| event["name"] == kind).count();
    assert_eq!((named("process_name"), named("thread_name")), (1, 2));
}

#[test]
fn trace_is_one_that_viewers_open() {
    let events = [
        event("conv/forward_direct", Phase::Forward, 5_000, 9_500),
        event("loss/cross_entropy", Phase::Forward, 9_500, 10_000),
        event("conv/weight_gradient_direct", Phase::Backward, 10_250, 11_000),
    ];
    let trace = chrome_trace("a \"device\"", &events);
    let trace: Value = serde_json::from_str(&trace.to_string()).expect("JSON");
    check_trace(&trace);
    let slices: Vec<&Value> =
        trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
    let shown: Vec<_> = slices.iter().map(|slice| (slice["name"].as_str().unwrap(), &slice["ts"])).collect();
    let names =
        ["forward", "backward", "conv/forward_direct", "loss/cross_entropy", "conv/weight_gradient_direct"];
    assert_eq!(shown.iter().map(|row| row.0).collect::<Vec<_>>(), names);
    assert_eq!(slices[0]["dur"], 5.0, "microseconds, over both dispatches");
    assert_eq!((&slices[4]["ts"], &slices[4]["dur"]), (&Value::from(5.25), &Value::from(0.75)));
    assert_eq!(slices[4]["args"]["layer"], "layer1.0.conv1");
    check_trace(&chrome_trace("nothing", &[]));
}

#[test]
fn roofline_draws_what_can_be_drawn() {
    let point = |name: &str, intensity: f64, gflop_per_s: f64| RooflinePoint {
        name: name.to_owned(),
        intensity,
        gflop_per_s,
        share: 0.25,
    };
    let plot = |points| Roofline {
        title: "resnet20".to_owned(),
        gb_per_s: 10.0,
        cached_gb_per_s: 25.0,
        gflop_per_s: 80.0,
        points,
    };
    let svg = plot(vec![point("conv/forward_direct", 30.0, 50.0), point("a/copy", 0.0, 0.0)]).svg();
    assert!(svg.contains("conv/forward_direct, 25.0 %") && !svg.contains("a/copy"), "{svg}");
    assert!(
        svg.contains("10.0 GB/s (25.0 from caches), 80 GFLOP/s") && svg.matches("<circle").count() == 1,
        "{svg}"
    );
    let empty = plot(Vec::new()).svg();
    assert!(empty.starts_with("<svg") && empty.trim_end().ends_with("</svg>"), "{empty}");
}
