//! Every shader text through the translators of all backends, with the checks left out as the pipelines leave them out.

mod hlsl;

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use naga::Module;
use naga::back::{msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::ModuleInfo;
use rayon::prelude::*;
use wgrad::gpu::Kernel;
use wgrad::kernels::KERNELS;

use super::shaders::{
    cases::{Case, cases},
    parse,
};

const UNCHECKED: BoundsCheckPolicies = BoundsCheckPolicies {
    index: BoundsCheckPolicy::Unchecked,
    buffer: BoundsCheckPolicy::Unchecked,
    image_load: BoundsCheckPolicy::Unchecked,
    binding_array: BoundsCheckPolicy::Unchecked,
};

/// Translates every text of the kernels that `which` takes.
fn for_texts(
    which: impl Fn(&Kernel) -> bool + Sync,
    translate: impl Fn(&Case, &Module, &ModuleInfo) -> Result<(), String> + Sync,
) {
    KERNELS.par_iter().filter(|kernel| which(kernel)).for_each(|kernel| {
        for case in cases(kernel) {
            let (module, info) = parse(&case.text()).unwrap_or_else(|e| panic!("{}: {e}", case.label));
            translate(&case, &module, &info).unwrap_or_else(|e| panic!("{}: {e}", case.label));
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
    let found = Modules::default();
    let keep = |label: &str, words: Vec<u32>| {
        found.lock().unwrap().entry(words).or_insert_with(|| label.to_owned());
        Ok(())
    };
    for_texts(core, |case, module, info| keep(&case.label, spirv_words(module, info, &options)?));
    let count = validate(found, "vulkan1.0");
    assert!(count > 10 * KERNELS.len(), "only {count} different modules");
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
    let found = Modules::default();
    let keep = |label: &str, words: Vec<u32>| {
        found.lock().unwrap().entry(words).or_insert_with(|| label.to_owned());
        Ok(())
    };
    for_texts(
        |kernel| !core(kernel),
        |case, module, info| keep(&case.label, spirv_words(module, info, &options)?),
    );
    assert!(validate(found, "vulkan1.3") > 10);
}

/// The words, each different module once, with the label of the first text that gave it.
type Modules = Mutex<HashMap<Vec<u32>, String>>;

fn spirv_words(module: &Module, info: &ModuleInfo, options: &spv::Options) -> Result<Vec<u32>, String> {
    spv::write_vec(module, info, options, None).map_err(|e| format!("SPIR-V: {e}"))
}

/// CooperativeMatrixKHR, to a validator that is older.
const UNKNOWN_COOPERATIVE: &str = "Invalid capability operand: 6022";

/// Khronos' validator, with the rules of this version of Vulkan.
fn validate(modules: Modules, environment: &str) -> usize {
    let modules = modules.into_inner().unwrap();
    modules.par_iter().for_each(|(words, label)| {
        let arguments = ["--target-env", environment, "-"];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let output = run_tool("spirv-val", &arguments, &bytes);
        let text = String::from_utf8_lossy(&output.stderr);
        // Validators before 2023.4 do not know the extension at all.
        let unknown = environment == "vulkan1.3" && text.contains(UNKNOWN_COOPERATIVE);
        assert!(output.status.success() || unknown, "{label}: {text}");
    });
    modules.len()
}

/// What a program says to this input.
fn run_tool(name: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| {
        panic!("{name} does not start ({e}): `make tools` installs it on Debian and Ubuntu; elsewhere install SPIRV-Tools")
    });
    // A program that ends before it has read everything says why on its own.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
fn the_validator_rejects_what_is_wrong() {
    let text = "@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n\
                @compute @workgroup_size(1) fn main() { y[0] = 1.0; }";
    let (module, info) = parse(text).unwrap();
    let words = spirv_words(&module, &info, &spv::Options::default()).unwrap();
    let valid = |words: &[u32]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        run_tool("spirv-val", &["--target-env", "vulkan1.0", "-"], &bytes).status.success()
    };
    assert!(valid(&words));
    // Without its last instruction, the function's end.
    assert!(!valid(&words[..words.len() - 1]));
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
        for_texts(takes, |_, module, info| {
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
