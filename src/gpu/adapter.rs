//! Which adapter runs the work: discrete before integrated before software, unless the user names one.

use serde::Serialize;

use super::heaps::{AdapterMemory, adapter_memory};
use super::paths::{AdapterPath, paths};
use crate::{Error, Result};

/// The user's wishes: `--device INDEX|NAME-PART`, `--backend NAME`; the environment's `WGPU_ADAPTER_NAME` counts
/// where no `--device` is given.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Index in the list of `wgrad devices`, or a part of the adapter's name (any case).
    pub device: Option<String>,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: Option<String>,
}

/// One line of `wgrad devices`.
#[derive(Clone, Debug, Serialize)]
pub struct AdapterRow {
    /// Position in the list, usable as `--device INDEX`.
    pub index: usize,
    /// The adapter's own name.
    pub name: String,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Driver name and version.
    pub driver: String,
    /// Optional features that make wgrad faster or tell more, by wgpu's name.
    pub features: Vec<String>,
    /// Limits that bound batch and model sizes, in bytes or counts.
    pub limits: serde_json::Value,
    /// Memory for buffers, where the driver says.
    pub memory: Option<AdapterMemory>,
    /// What the adapter can do beyond what every one can, and what it lacks for that.
    pub paths: Vec<AdapterPath>,
    /// Whether a run with the same flags uses this adapter.
    pub default: bool,
    /// Why it is the default; nothing where it is not.
    pub reason: Option<String>,
}

/// The optional features that matter here.
pub(super) const WANTED: [(wgpu::Features, &str); 6] = [
    (wgpu::Features::TIMESTAMP_QUERY, "timestamp-query"),
    (wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES, "timestamp-query-inside-passes"),
    (wgpu::Features::PIPELINE_CACHE, "pipeline-cache"),
    (wgpu::Features::SUBGROUP, "subgroup"),
    (wgpu::Features::SHADER_F16, "shader-f16"),
    (wgpu::Features::SHADER_INT64, "shader-int64"),
];

/// What matrices of f16 with f32 sums need.
pub(super) const COOPERATIVE: wgpu::Features = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX
    .union(wgpu::Features::SHADER_F16)
    .union(wgpu::Features::SUBGROUP);

/// Side of the adapter's cooperative matrices of f16 with f32 sums: 16 before 8, where it has both.
///
/// # Errors
/// What the adapter lacks, in words.
pub(super) fn cooperative_side(adapter: &wgpu::Adapter) -> std::result::Result<u32, String> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let info = adapter.get_info();
    let missing: Vec<_> = [
        (wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX, "cooperative matrices"),
        (wgpu::Features::SHADER_F16, "f16"),
        (wgpu::Features::SUBGROUP, "subgroups"),
    ]
    .into_iter()
    .filter(|(feature, _)| !adapter.features().contains(*feature))
    .map(|row| row.1)
    .collect();
    if !missing.is_empty() {
        return Err(format!("its driver has no {}", missing.join(" and no ")));
    }
    let all = adapter.cooperative_matrix_properties();
    let has = |side: &u32| {
        let square = |p: &wgpu::CooperativeMatrixProperties| [p.m_size, p.n_size, p.k_size] == [*side; 3];
        all.iter().any(|p| square(p) && p.ab_type == F16 && p.cr_type == F32)
    };
    let Some(side) = [16, 8].into_iter().find(has) else {
        let offered: Vec<_> = all
            .iter()
            .map(|p| format!("{}x{}x{} {:?} to {:?}", p.m_size, p.n_size, p.k_size, p.ab_type, p.cr_type))
            .collect();
        return Err(format!("it offers {}, not 16x16x16 or 8x8x8 of F16 to F32", offered.join(", ")));
    };
    // Mesa 26.1's llvmpipe ends with a segmentation fault in such shaders at vectors of 512 bits.
    if info.device_type == wgpu::DeviceType::Cpu && info.subgroup_max_size > 8 {
        return Err(
            "Mesa's software driver crashes on them at 512 bits: set LP_NATIVE_VECTOR_WIDTH=256".to_owned()
        );
    }
    Ok(side)
}

const BACKENDS: [(&str, wgpu::Backends); 3] =
    [("vulkan", wgpu::Backends::VULKAN), ("metal", wgpu::Backends::METAL), ("dx12", wgpu::Backends::DX12)];

fn instance(backends: wgpu::Backends) -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    // Debian 12's validation layers report errors that are none on wgpu's shaders.
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    wgpu::Instance::new(descriptor)
}

fn backends(selection: &Selection) -> Result<wgpu::Backends> {
    match selection.backend.as_deref() {
        None => Ok(wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12),
        Some(name) => {
            BACKENDS.iter().find(|(known, _)| *known == name.to_lowercase()).map(|row| row.1).ok_or_else(
                || Error::usage(format!("unknown backend {name:?}: expected vulkan, metal or dx12")),
            )
        }
    }
}

fn rank(info: &wgpu::AdapterInfo) -> u32 {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

fn kind(info: &wgpu::AdapterInfo) -> &'static str {
    ["discrete", "integrated", "virtual", "other", "software"][rank(info) as usize]
}

fn enumerate(selection: &Selection) -> Result<Vec<wgpu::Adapter>> {
    let backends = backends(selection)?;
    Ok(pollster::block_on(instance(backends).enumerate_adapters(backends)))
}

/// All adapters of the selected backends, in the order of their index.
///
/// # Errors
/// An unknown backend name.
pub fn adapters(selection: &Selection) -> Result<Vec<AdapterRow>> {
    let list = enumerate(selection)?;
    let default = pick(&list, selection).ok();
    let reason = |index| (default == Some(index)).then(|| why(&list, index, selection));
    Ok(list.iter().enumerate().map(|(index, adapter)| row(index, adapter, reason(index))).collect())
}

/// Why `index` is the one that is used.
fn why(list: &[wgpu::Adapter], index: usize, selection: &Selection) -> String {
    if let Some((wish, from)) = wish(selection) {
        return format!("{from} asks for {wish:?}");
    }
    let own = list[index].get_info();
    let others: Vec<&str> =
        list.iter().map(|other| kind(&other.get_info())).filter(|other| *other != kind(&own)).collect();
    match (list.len(), others.is_empty()) {
        (1, _) => "the only adapter".to_owned(),
        (_, true) => format!("the first of {} {} adapters", list.len(), kind(&own)),
        (_, false) => format!("{} comes before {}", kind(&own), others.join(", ")),
    }
}

/// The adapter that the user names, and where.
fn wish(selection: &Selection) -> Option<(String, &'static str)> {
    let flag = selection.device.clone().map(|wish| (wish, "--device"));
    let variable = || std::env::var("WGPU_ADAPTER_NAME").ok().map(|wish| (wish, "WGPU_ADAPTER_NAME"));
    flag.or_else(variable).filter(|row| !row.0.is_empty())
}

fn row(index: usize, adapter: &wgpu::Adapter, reason: Option<String>) -> AdapterRow {
    let info = adapter.get_info();
    let limits = adapter.limits();
    AdapterRow {
        index,
        backend: info.backend.to_str().to_owned(),
        kind: kind(&info).to_owned(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        features: WANTED
            .iter()
            .filter(|(feature, _)| adapter.features().contains(*feature))
            .map(|row| row.1.to_owned())
            .collect(),
        limits: serde_json::json!({
            "max_buffer_size": limits.max_buffer_size,
            "max_storage_buffer_binding_size": limits.max_storage_buffer_binding_size,
            "max_storage_buffers_per_shader_stage": limits.max_storage_buffers_per_shader_stage,
            "max_compute_workgroup_storage_size": limits.max_compute_workgroup_storage_size,
            "max_compute_invocations_per_workgroup": limits.max_compute_invocations_per_workgroup,
            "max_compute_workgroups_per_dimension": limits.max_compute_workgroups_per_dimension,
        }),
        name: info.name,
        memory: adapter_memory(adapter),
        paths: paths(adapter),
        default: reason.is_some(),
        reason,
    }
}

fn pick(list: &[wgpu::Adapter], selection: &Selection) -> Result<usize> {
    if list.is_empty() {
        return Err(Error::Device(no_adapter_hint()));
    }
    let by_rank = |index: &usize| (rank(&list[*index].get_info()), *index);
    let Some((wish, _)) = wish(selection) else {
        return Ok((0..list.len()).min_by_key(by_rank).unwrap_or(0));
    };
    if let Ok(index) = wish.parse::<usize>() {
        return if index < list.len() { Ok(index) } else { Err(unknown(list, &wish)) };
    }
    let named = |index: &usize| list[*index].get_info().name.to_lowercase().contains(&wish.to_lowercase());
    (0..list.len()).filter(named).min_by_key(by_rank).ok_or_else(|| unknown(list, &wish))
}

fn unknown(list: &[wgpu::Adapter], wish: &str) -> Error {
    let names: Vec<_> =
        list.iter().enumerate().map(|(i, a)| format!("{i} = {}", a.get_info().name)).collect();
    Error::usage(format!("no device matches {wish:?}; there are: {}", names.join(", ")))
}

/// The adapter to use.
pub(super) fn select(selection: &Selection) -> Result<wgpu::Adapter> {
    let mut list = enumerate(selection)?;
    let index = pick(&list, selection)?;
    Ok(list.swap_remove(index))
}

/// Succeeds where there is the selected adapter.
///
/// # Errors
/// There is none, or no adapter at all.
pub fn find_selected(selection: &Selection) -> Result<()> {
    select(selection).map(drop)
}

/// What to install, by system.
const INSTALL: [(&str, &str); 5] = [
    (
        "Debian, Ubuntu",
        "the graphics card's Vulkan driver, or a software one: `sudo apt-get install mesa-vulkan-drivers` (both; or `make driver`)",
    ),
    (
        "Fedora",
        "`sudo dnf install mesa-vulkan-drivers vulkan-loader` (AMD, Intel and software), or NVIDIA's driver",
    ),
    (
        "Arch",
        "`sudo pacman -S vulkan-icd-loader` with vulkan-radeon, vulkan-intel, nvidia-utils or vulkan-swrast",
    ),
    ("Windows", "the graphics card's driver; Direct3D 12 has a software adapter (WARP) from Windows 10 on"),
    ("macOS", "nothing: every Mac since 2012 has Metal; a virtual machine may have none"),
];

/// What to install where no adapter is found: this operating system's part.
pub fn no_adapter_hint() -> String {
    let own = |(system, _): &&(&str, &str)| match *system {
        "macOS" => cfg!(target_os = "macos"),
        "Windows" => cfg!(windows),
        _ => !cfg!(windows) && !cfg!(target_os = "macos"),
    };
    let lines: Vec<_> =
        INSTALL.iter().filter(own).map(|(system, what)| format!("on {system}, {what}")).collect();
    format!("no Vulkan, Metal or DX12 adapter found; install {}", lines.join("; "))
}

/// The same for every system, a line each.
pub fn install_hints() -> String {
    let lines = INSTALL.iter().map(|(system, what)| format!("  {system}: {what}"));
    lines.collect::<Vec<_>>().join("\n")
}
