//! DX12: every text in the language of shader models 5.1, which FXC compiles, and 6, which DXC does.
//!
//! But for cooperative matrices: naga has no HLSL for them, and no DX12 adapter offers them through wgpu.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use naga::Module;
use naga::back::hlsl::{self, ShaderModel};
use naga::valid::ModuleInfo;
use rayon::prelude::*;
use wgrad::kernels::KERNELS;

use super::{core, entry_points, for_texts, run_tool};

#[test]
fn hlsl() {
    for shader_model in [ShaderModel::V5_1, ShaderModel::V6_0, ShaderModel::V6_6] {
        let options = options(shader_model);
        for_texts(core, |_, module, info| text(module, info, &options).map(drop));
    }
}

fn options(shader_model: ShaderModel) -> hlsl::Options {
    hlsl::Options {
        shader_model,
        fake_missing_bindings: true,
        special_constants_binding: Some(hlsl::BindTarget::default()),
        zero_initialize_workgroup_memory: false,
        restrict_indexing: false,
        force_loop_bounding: false,
        ..Default::default()
    }
}

fn text(module: &Module, info: &ModuleInfo, options: &hlsl::Options) -> Result<String, String> {
    let shader_model = options.shader_model;
    let mut text = String::new();
    let pipeline = hlsl::PipelineOptions::default();
    let written = hlsl::Writer::new(&mut text, options, &pipeline).write(module, info, None);
    let names = written.map_err(|e| format!("HLSL {shader_model:?}: {e}"))?.entry_point_names;
    entry_points(&names, &text).map_err(|e| format!("HLSL {shader_model:?}: {e}"))?;
    Ok(text)
}

/// Each different text for a shader model, with the label of the first that gave it, by label.
fn all_texts(shader_model: ShaderModel) -> Vec<(String, String)> {
    let options = options(shader_model);
    let found: Mutex<HashMap<String, String>> = Mutex::default();
    for_texts(core, |case, module, info| {
        let text = text(module, info, &options)?;
        found.lock().unwrap().entry(text).or_insert_with(|| case.label.clone());
        Ok(())
    });
    let mut found: Vec<_> =
        found.into_inner().unwrap().into_iter().map(|(text, label)| (label, text)).collect();
    assert!(found.len() > 10 * KERNELS.len(), "only {} texts", found.len());
    found.sort_unstable();
    found
}

/// Writes every text into the folder `WGRAD_HLSL` for `tests/dxc/compile.py`. `make hlsl` runs it.
#[test]
#[ignore = "writes files: make hlsl"]
fn hlsl_is_written() {
    let folder = std::env::var_os("WGRAD_HLSL").expect("WGRAD_HLSL names a folder");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).unwrap();
    for (shader_model, profile) in [(ShaderModel::V6_0, "cs_6_0"), (ShaderModel::V6_6, "cs_6_6")] {
        for (number, (label, text)) in all_texts(shader_model).iter().enumerate() {
            let file = folder.join(format!("{profile}-{number:05}.hlsl"));
            std::fs::write(file, format!("// {label}\n{text}")).unwrap();
        }
    }
}

/// The HLSL of every text through glslang's front end, which shares nothing with naga. `make hlsl` runs it where DXC cannot be had.
#[test]
#[ignore = "takes minutes: make hlsl"]
fn hlsl_compiles() {
    let found = all_texts(ShaderModel::V5_1);
    let arguments =
        ["-D", "-V", "--target-env", "vulkan1.1", "--auto-map-bindings", "-S", "comp", "-e", "main"];
    let failed: Vec<String> = found
        .par_iter()
        .filter_map(|(label, text)| {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("out.spv");
            let file = folder.path().join("kernel.hlsl");
            std::fs::write(&file, text).unwrap();
            let files = ["-o", out.to_str().unwrap(), file.to_str().unwrap()];
            let output = run_tool("glslangValidator", &[&arguments[..], &files].concat(), &[]);
            let made = output.status.success() && out.is_file();
            let says = String::from_utf8_lossy(&output.stdout);
            // It takes a call in a module's constant for one of the function before it, which is the array's constructor.
            let own_fault = label.starts_with("conv/winograd_weights") && says.contains("Recursion detected");
            (!made && !own_fault)
                .then(|| format!("{label}:\n{}", says.lines().skip(1).take(6).collect::<Vec<_>>().join("\n")))
        })
        .collect();
    println!(
        "glslang: {} different texts of {} kernels, {} fail (but for a false alarm about recursion)",
        found.len(),
        KERNELS.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed[..failed.len().min(5)].join("\n"));
}
