//! Every shader text through the translators of all backends, with the checks left out as the pipelines leave them out.

use naga::Module;
use naga::back::{hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::ModuleInfo;
use rayon::prelude::*;
use wgrad::gpu::Kernel;
use wgrad::kernels::KERNELS;

use super::shaders::{cases::cases, parse};

const UNCHECKED: BoundsCheckPolicies = BoundsCheckPolicies {
    index: BoundsCheckPolicy::Unchecked,
    buffer: BoundsCheckPolicy::Unchecked,
    image_load: BoundsCheckPolicy::Unchecked,
    binding_array: BoundsCheckPolicy::Unchecked,
};

/// Translates every text of the kernels that `which` takes.
fn for_texts(
    which: impl Fn(&Kernel) -> bool + Sync,
    translate: impl Fn(&Module, &ModuleInfo) -> Result<(), String> + Sync,
) {
    KERNELS.par_iter().filter(|kernel| which(kernel)).for_each(|kernel| {
        for case in cases(kernel) {
            let (module, info) = parse(&case.text()).unwrap_or_else(|e| panic!("{}: {e}", case.label));
            translate(&module, &info).unwrap_or_else(|e| panic!("{}: {e}", case.label));
        }
    });
}

/// Kernels that every device takes.
fn core(kernel: &Kernel) -> bool {
    kernel.enables().next().is_none()
}

/// Vulkan: version 1.0 of SPIR-V, as wgpu asks for.
#[test]
fn spirv() {
    let options = spv::Options {
        lang_version: (1, 0),
        bounds_check_policies: UNCHECKED,
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        // The one that every Vulkan device has.
        capabilities: Some([spv::Capability::Shader].into_iter().collect()),
        ..Default::default()
    };
    for_texts(core, |module, info| spirv_words(module, info, &options));
    // What wgpu adds for cooperative matrices.
    use spv::Capability as C;
    let more = [
        C::Shader,
        C::Float16,
        C::GroupNonUniform,
        C::CooperativeMatrixKHR,
        C::VulkanMemoryModel,
        C::VulkanMemoryModelDeviceScope,
    ];
    let options =
        spv::Options { lang_version: (1, 3), capabilities: Some(more.into_iter().collect()), ..options };
    for_texts(|kernel| !core(kernel), |module, info| spirv_words(module, info, &options));
}

fn spirv_words(module: &Module, info: &ModuleInfo, options: &spv::Options) -> Result<(), String> {
    let words = spv::write_vec(module, info, options, None).map_err(|e| format!("SPIR-V: {e}"))?;
    if words.first() == Some(&0x0723_0203) { Ok(()) } else { Err("no SPIR-V came out".to_owned()) }
}

/// But for cooperative matrices: naga has no HLSL for them, and no DX12 adapter offers them through wgpu.
#[test]
fn hlsl() {
    use hlsl::ShaderModel::{V5_1, V6_0, V6_6};
    for shader_model in [V5_1, V6_0, V6_6] {
        let options = hlsl::Options {
            shader_model,
            fake_missing_bindings: true,
            special_constants_binding: Some(hlsl::BindTarget::default()),
            zero_initialize_workgroup_memory: false,
            restrict_indexing: false,
            force_loop_bounding: false,
            ..Default::default()
        };
        for_texts(core, |module, info| {
            let mut text = String::new();
            let pipeline = hlsl::PipelineOptions::default();
            let written = hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None);
            let names = written.map_err(|e| format!("HLSL {shader_model:?}: {e}"))?.entry_point_names;
            entry_points(&names, &text).map_err(|e| format!("HLSL {shader_model:?}: {e}"))
        });
    }
}

#[test]
fn msl() {
    for lang_version in [(2, 1), (2, 4), (3, 1)] {
        let options = msl::Options {
            lang_version,
            fake_missing_bindings: true,
            bounds_check_policies: UNCHECKED,
            zero_initialize_workgroup_memory: false,
            force_loop_bounding: false,
            emit_int_div_checks: false,
            ..Default::default()
        };
        // Metal has cooperative matrices from 2.3 on.
        let takes = |kernel: &Kernel| core(kernel) || lang_version >= (2, 3);
        for_texts(takes, |module, info| {
            let pipeline = msl::PipelineOptions::default();
            let written = msl::write_string(module, info, &options, &pipeline);
            let (text, info) = written.map_err(|e| format!("MSL {lang_version:?}: {e}"))?;
            entry_points(&info.entry_point_names, &text).map_err(|e| format!("MSL {lang_version:?}: {e}"))
        });
    }
}

/// One entry point was written, and its name stands in the text.
fn entry_points<E: std::fmt::Display>(names: &[Result<String, E>], text: &str) -> Result<(), String> {
    match names {
        [Ok(name)] if text.contains(&format!("void {name}(")) => Ok(()),
        [Ok(name)] => Err(format!("{name} is not in the text")),
        [Err(e)] => Err(e.to_string()),
        _ => Err(format!("expected one entry point, got {}", names.len())),
    }
}
