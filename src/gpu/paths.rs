//! Faster and further paths: what each needs, and whether an adapter has it.

use serde::Serialize;

use super::adapter::cooperative_side;

/// Something that only some adapters can do; without it wgrad does the same another way, or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdapterPath {
    /// What it is.
    pub name: &'static str,
    /// Whether this adapter has all that it needs.
    pub available: bool,
    /// What is there or missing, and what happens without.
    pub note: String,
}

/// A feature by wgpu's name, what it is for, and what happens without.
type Row = (wgpu::Features, &'static str, &'static str, &'static str);

const ROWS: [Row; 3] = [
    (
        wgpu::Features::TIMESTAMP_QUERY,
        "timestamp-query",
        "profiles by the device's own clock",
        "wgrad profile takes the host's clock",
    ),
    (
        wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES,
        "timestamp-query-inside-passes",
        "profiles inside one pass",
        "wgrad profile gives each dispatch a pass of its own",
    ),
    (
        wgpu::Features::PIPELINE_CACHE,
        "pipeline-cache",
        "compiled kernels kept on disk",
        "each start compiles them again, unless the driver keeps them itself",
    ),
];

/// The paths of an adapter.
pub(super) fn paths(adapter: &wgpu::Adapter) -> Vec<AdapterPath> {
    let features = adapter.features();
    let plain = |(feature, feature_name, name, without): Row| {
        let available = features.contains(feature);
        let note = match available {
            true => format!("has {feature_name}"),
            false => format!("lacks {feature_name}: {without}"),
        };
        AdapterPath { name, available, note }
    };
    let mut all: Vec<AdapterPath> = ROWS.map(plain).into();
    let (available, note) = match cooperative_side(adapter) {
        Ok(side) => (true, format!("has cooperative matrices of {side}x{side}, f16 to f32")),
        Err(reason) => (false, format!("{reason}: precision f32 only")),
    };
    all.push(AdapterPath { name: "precision=mixed", available, note });
    // Only where a vector load is one gather a component.
    if adapter.get_info().device_type == wgpu::DeviceType::Cpu {
        let available = features.contains(wgpu::Features::SHADER_INT64);
        let note = match available {
            true => "has shader-int64",
            false => "lacks shader-int64: twice as many loads, slower noise",
        };
        all.push(AdapterPath { name: "words of 64 bits", available, note: note.to_owned() });
        let available = keeps_scalars(&adapter.get_info());
        let note = match available {
            true => "Mesa 26 or later",
            false => "not Mesa 26 or later: slower convolutions",
        };
        all.push(AdapterPath { name: "Winograd F(4x4)", available, note: note.to_owned() });
    }
    all
}

/// Whether an adapter is a software one that keeps what is the same for all lanes in one register.
pub(super) fn keeps_scalars(info: &wgpu::AdapterInfo) -> bool {
    let mesa = info.driver_info.strip_prefix("Mesa ").and_then(|rest| rest.split('.').next());
    let recent = mesa.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 26);
    info.device_type == wgpu::DeviceType::Cpu && recent
}
