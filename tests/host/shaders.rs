//! Every shader text against the registry: what the host binds is what the shader declares.

pub mod cases;

use std::mem::{offset_of, size_of};

use cases::{Case, cases};
use naga::proc::Layouter;
use naga::valid::{Capabilities, GlobalUse, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, GlobalVariable, Module, StorageAccess, Type, TypeInner};
use wgrad::gpu::{Access, COOP16, Constants, Kernel, MATRICES8, WORDS64, substitute};
use wgrad::kernels::activation::Form;
use wgrad::kernels::optimizer::State;
use wgrad::kernels::{KERNELS, activation, conv, loss, optimizer};

/// WebGPU's default limits.
const MOST_STORAGE_BUFFERS: usize = 8;
const MOST_INVOCATIONS: u32 = 256;
const MOST_WORKGROUP_BYTES: u32 = 16 * 1024;

/// What a text may use: core WebGPU, and what goes with the cooperative matrices that it enables.
pub fn capabilities(text: &str) -> Capabilities {
    match text.contains("\nenable wgpu_cooperative_matrix;\n") {
        true => Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP,
        false => Capabilities::empty(),
    }
}

/// Parses and validates with the capabilities of core WebGPU: no optional ones but those of [`capabilities`].
pub fn parse(text: &str) -> Result<(Module, ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|e| e.emit_to_string(text))?;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities(text));
    let info = validator.validate(&module).map_err(|e| e.emit_to_string(text))?;
    Ok((module, info))
}

#[test]
fn kernels_are_valid_with_words_of_64_bits_too() {
    for (usual, other) in WORDS64 {
        let mut count = 0;
        for case in KERNELS.iter().flat_map(|kernel| cases(kernel)).filter(|case| case.text().contains(usual))
        {
            let text = substitute(case.text(), &WORDS64);
            assert!(text.contains(other), "{}", case.label);
            let module =
                naga::front::wgsl::parse_str(&text).unwrap_or_else(|e| panic!("{}: {e}", case.label));
            let mut validator = Validator::new(ValidationFlags::all(), Capabilities::SHADER_INT64);
            validator.validate(&module).unwrap_or_else(|e| panic!("{}: {e:?}", case.label));
            count += 1;
        }
        assert!(count > KERNELS.len() / 4, "only {count} cases have {usual}");
    }
}

/// Kernels that only some devices take: those of mixed precision.
#[test]
fn only_mixed_precision_enables_extensions() {
    for kernel in KERNELS {
        let enabled: Vec<_> = kernel.enables().collect();
        let expected: &[&str] = match kernel.name.ends_with("_coop") {
            true => &["f16", "wgpu_cooperative_matrix"],
            false => &[],
        };
        assert_eq!(enabled, expected, "{}", kernel.name);
    }
}

#[test]
fn kernels_are_valid_with_smaller_matrices_too() {
    let mut count = 0;
    for case in
        KERNELS.iter().filter(|kernel| kernel.libraries.contains(&COOP16)).flat_map(|kernel| cases(kernel))
    {
        let text = substitute(case.text(), &MATRICES8);
        assert!(text.contains(MATRICES8[0].1) && !text.contains("16x16"), "{}", case.label);
        parse(&text).unwrap_or_else(|e| panic!("{}: {e}", case.label));
        count += 1;
    }
    assert!(count >= 3, "only {count} cases multiply by cooperative matrices");
}

fn parsed(case: &Case) -> (Module, ModuleInfo) {
    parse(&case.text()).unwrap_or_else(|e| panic!("{}: {e}", case.label))
}

fn bytes(module: &Module, variable: &GlobalVariable) -> u32 {
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).unwrap();
    layouter[variable.ty].size
}

/// What a shader and its row of the registry do not agree on.
fn mismatches(kernel: &Kernel, workgroup: u32, module: &Module, info: &ModuleInfo) -> Vec<String> {
    let mut found = Vec::new();
    let mut expect = |what: &str, want: String, got: String| {
        if want != got {
            found.push(format!("{what}: the registry says {want}, the shader {got}"));
        }
    };
    let mut storage: Vec<(u32, &str, Access)> = Vec::new();
    let mut uniforms = Vec::new();
    for (_, variable) in module.global_variables.iter() {
        let name = variable.name.as_deref().unwrap_or_default();
        let place = variable.binding.map(|binding| (binding.group, binding.binding));
        match variable.space {
            AddressSpace::Storage { access } => {
                let (group, binding) = place.unwrap();
                expect(&format!("group of {name}"), "0".into(), group.to_string());
                let access = if access == StorageAccess::LOAD { Access::Read } else { Access::Write };
                storage.push((binding, name, access));
            }
            AddressSpace::Uniform => {
                uniforms.push((place, name, bytes(module, variable).next_multiple_of(16)))
            }
            AddressSpace::WorkGroup => {}
            AddressSpace::Private if name == "learned" => {}
            space => expect(name, "storage, uniform or workgroup".into(), format!("{space:?}")),
        }
    }
    storage.sort_by_key(|row| row.0);
    let registry = kernel.bindings.iter().zip(0..).map(|(&(name, access), at)| (at, name, access));
    expect("storage buffers", format!("{:?}", registry.collect::<Vec<_>>()), format!("{storage:?}"));
    let binding = (0, kernel.bindings.len() as u32);
    let params = (kernel.params_bytes > 0).then_some((Some(binding), "params", kernel.params_bytes as u32));
    expect("uniforms", format!("{:?}", Vec::from_iter(params)), format!("{uniforms:?}"));
    let names: Vec<_> = module.entry_points.iter().map(|entry| entry.name.as_str()).collect();
    expect("entry points", r#"["main"]"#.into(), format!("{names:?}"));
    let invocations: u32 = module.entry_points[0].workgroup_size.iter().product();
    expect("workgroup", workgroup.to_string(), invocations.to_string());
    found.extend(misused(kernel, module, info));
    found
}

/// Buffers that the shader declares and never touches, or declares writable and only reads.
fn misused(kernel: &Kernel, module: &Module, info: &ModuleInfo) -> Vec<String> {
    let mut found = Vec::new();
    for (handle, variable) in module.global_variables.iter() {
        let name = variable.name.as_deref().unwrap_or_default();
        let used = info.get_entry_point(0)[handle];
        if used.is_empty() && variable.space != AddressSpace::Private {
            found.push(format!("{name} is never used"));
        }
        if kernel.bindings.contains(&(name, Access::Write)) && !used.contains(GlobalUse::WRITE) {
            found.push(format!("{name} is never written"));
        }
    }
    found
}

#[test]
fn shaders_are_valid_and_match_the_registry() {
    for kernel in KERNELS {
        for case in cases(kernel) {
            let (module, info) = parsed(&case);
            let found = mismatches(kernel, case.workgroup, &module, &info);
            assert!(found.is_empty(), "{}: {}", case.label, found.join("; "));
        }
    }
}

/// The comparison itself: each kind of wrong row is reported.
#[test]
fn a_wrong_registry_row_is_reported() {
    let (module, info) = parsed(&cases(&loss::CROSS_ENTROPY)[0]);
    let right = || Kernel { ..loss::CROSS_ENTROPY };
    let read = |name| (name, Access::Read);
    let write = |name| (name, Access::Write);
    let wrong = [
        ("params_bytes", Kernel { params_bytes: 32, ..right() }, "uniforms"),
        ("no params", Kernel { params_bytes: 0, ..right() }, "uniforms"),
        ("workgroup", Kernel { workgroup: 64, ..right() }, "workgroup"),
        (
            "a binding less",
            Kernel { bindings: &loss::CROSS_ENTROPY.bindings[..4], ..right() },
            "storage buffers",
        ),
    ];
    let bindings = [
        [read("labels"), read("logits"), read("state"), write("dlogits"), write("records")],
        [write("logits"), read("labels"), read("state"), write("dlogits"), write("records")],
        [read("logits"), read("label"), read("state"), write("dlogits"), write("records")],
    ];
    assert_eq!(mismatches(&right(), right().workgroup, &module, &info), [""; 0]);
    for (what, kernel, expected) in wrong {
        let found = mismatches(&kernel, kernel.workgroup, &module, &info);
        assert!(found.iter().any(|line| line.starts_with(expected)), "{what}: {found:?}");
    }
    for row in bindings {
        let kernel = Kernel { bindings: Box::leak(Box::new(row)), ..right() };
        let found = mismatches(&kernel, kernel.workgroup, &module, &info);
        assert!(found.iter().any(|line| line.starts_with("storage buffers")), "{row:?}: {found:?}");
    }
}

#[test]
fn shaders_stay_within_default_limits() {
    for kernel in KERNELS {
        assert!(kernel.bindings.len() <= MOST_STORAGE_BUFFERS, "{}: storage buffers", kernel.name);
        assert!((1..=MOST_INVOCATIONS).contains(&kernel.workgroup), "{}: invocations", kernel.name);
        assert!(kernel.params_bytes.is_multiple_of(16), "{}: bytes of Params", kernel.name);
        for case in cases(kernel) {
            assert!((1..=MOST_INVOCATIONS).contains(&case.workgroup), "{}: invocations", case.label);
            let (module, _) = parsed(&case);
            let shared = module.global_variables.iter().filter(|(_, v)| v.space == AddressSpace::WorkGroup);
            let total: u32 = shared.map(|(_, variable)| bytes(&module, variable)).sum();
            assert!(total <= MOST_WORKGROUP_BYTES, "{}: {total} bytes of workgroup memory", case.label);
        }
    }
}

fn state_of(module: &Module) -> Option<&Type> {
    module.types.iter().map(|(_, ty)| ty).find(|ty| ty.name.as_deref() == Some("State"))
}

#[test]
fn state_has_the_layout_of_the_host() {
    let want = [
        ("step", offset_of!(State, step)),
        ("record", offset_of!(State, record)),
        ("cursor", offset_of!(State, cursor)),
        ("lr", offset_of!(State, lr)),
        ("next_step", offset_of!(State, next_step)),
        ("next_record", offset_of!(State, next_record)),
        ("next_cursor", offset_of!(State, next_cursor)),
        ("scale", offset_of!(State, scale)),
        ("first", offset_of!(State, first)),
        ("direct", offset_of!(State, direct)),
        ("second", offset_of!(State, second)),
        ("factor", offset_of!(State, factor)),
        ("norm", offset_of!(State, norm)),
        ("epoch", offset_of!(State, epoch)),
        ("share", offset_of!(State, share)),
        ("pad0", offset_of!(State, pad)),
    ];
    let (module, _) = parsed(&cases(&optimizer::ADVANCE)[0]);
    let TypeInner::Struct { members, span } = &state_of(&module).unwrap().inner else {
        panic!("State is no struct")
    };
    let got: Vec<_> = members.iter().map(|m| (m.name.as_deref().unwrap(), m.offset as usize)).collect();
    assert_eq!(got, want);
    assert_eq!(*span as usize, size_of::<State>());
    for kernel in KERNELS.iter().filter(|kernel| kernel.bindings.iter().any(|(name, _)| *name == "state")) {
        assert!(state_of(&parsed(&cases(kernel)[0]).0).is_some(), "{}: its state is no State", kernel.name);
    }
}

/// A constant is used where the text does not compile without it.
#[test]
fn declared_constants_are_used_and_used_ones_declared() {
    for kernel in KERNELS {
        let cases = cases(kernel);
        let unused: Vec<_> =
            kernel.constants.iter().filter(|name| parse(&without(&cases[0], name)).is_ok()).collect();
        assert!(unused.is_empty(), "{}: its text does not use {unused:?}", kernel.name);
        let given: Vec<_> = cases[0].constants.names().collect();
        assert!(kernel.constants.iter().all(|name| given.contains(name)), "{}: {given:?}", kernel.name);
    }
    for act in cases::activations() {
        let kernel = match act.row.form {
            Form::Elementwise => &activation::FORWARD,
            Form::Learned => &activation::LEARNED_FORWARD,
            Form::Doubled => &activation::DOUBLED_FORWARD,
            Form::Pieces => &activation::MAXOUT_FORWARD,
        };
        let shape = Constants::new().u32("C4", 4).u32("PIXELS", 9).u32("CHANNELS", 15);
        let text = kernel.text(&shape.with(&act.constants(true)), Some(&act.source()));
        parse(&text).unwrap_or_else(|e| panic!("{}: {e}", act.spec()));
        for parameter in act.row.parameters.iter().filter(|parameter| !parameter.constant.is_empty()) {
            let name = parameter.constant;
            assert!(parse(&remove(&text, name)).is_err(), "{}: {name} is not used", act.spec());
        }
    }
}

fn without(case: &Case, constant: &str) -> String {
    remove(&case.text(), constant)
}

/// The text without the host's declaration of this constant.
fn remove(text: &str, constant: &str) -> String {
    let start = format!("const {constant}: ");
    assert_eq!(
        text.lines().filter(|line| line.starts_with(&start)).count(),
        1,
        "{constant} is declared once"
    );
    text.lines().filter(|line| !line.starts_with(&start)).map(|line| format!("{line}\n")).collect()
}

/// A shader that WebGPU's core does not take is not taken here.
#[test]
fn parser_rejects_what_is_not_core() {
    let text = cases(&conv::FORWARD_STRIDED)[0].text();
    assert!(parse(&text).is_ok());
    assert!(parse(&text.replace("vec4<f32>", "vec4<f16>")).is_err());
    assert!(parse(&text.replace("x[at]", "x[at] + subgroupAdd(1.0)")).is_err());
    assert!(parse(&text.replace("C_IN4 + c", "C_IN_4 + c")).is_err());
}
