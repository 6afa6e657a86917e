//! The registries against the files and against each other: a kernel or an activation has one name everywhere.

use std::collections::BTreeSet;

use super::tree::{File, files};
use wgrad::gpu::{MATRICES8, WORDS64};
use wgrad::kernels::activation::{Draws, Kind, Row};
use wgrad::kernels::{ACTIVATIONS, Activation, KERNELS};
use wgrad::reference::activation::{self as reference, find};

const MOST_KERNEL_LINES: usize = 200;
const FUNCTIONS: &str = "activation/functions/";
const LIBRARIES: &str = "lib/";

/// The shader files with their name: the path under `shaders/` without the extension.
fn shaders() -> Vec<(String, File)> {
    let name = |file: File| {
        let path = file.path.strip_prefix("shaders/").unwrap();
        (path.strip_suffix(".wgsl").unwrap().to_owned(), file)
    };
    files(&["shaders"], &["wgsl"]).into_iter().map(name).collect()
}

/// Name and text of the files that are kernels.
fn kernels() -> Vec<(String, File)> {
    let other = |name: &str| name.starts_with(FUNCTIONS) || name.starts_with(LIBRARIES);
    shaders().into_iter().filter(|(name, _)| !other(name)).collect()
}

/// What stands after this prefix, with the file.
fn under(prefix: &str) -> Vec<(String, File)> {
    let strip = |(name, file): (String, File)| Some((name.strip_prefix(prefix)?.to_owned(), file));
    shaders().into_iter().filter_map(strip).collect()
}

#[test]
fn every_kernel_file_is_registered_under_its_path() {
    let on_disk: BTreeSet<_> = kernels().into_iter().map(|(name, file)| (name, file.text)).collect();
    let registered: BTreeSet<_> = KERNELS.iter().map(|k| (k.name.to_owned(), k.source.to_owned())).collect();
    let names = |set: &BTreeSet<(String, String)>| set.iter().map(|row| row.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&on_disk), names(&registered));
    assert!(on_disk == registered, "a kernel's source is another file's text");
    assert_eq!(registered.len(), KERNELS.len(), "a kernel is registered twice");
}

#[test]
fn every_activation_file_is_a_row_with_a_twin() {
    let on_disk: BTreeSet<_> = under(FUNCTIONS).into_iter().map(|(name, file)| (name, file.text)).collect();
    let rows: BTreeSet<_> =
        ACTIVATIONS.iter().map(|row| (row.name.to_owned(), row.source.to_owned())).collect();
    assert!(on_disk == rows, "files {:?}, rows {:?}", names(&on_disk), names(&rows));
    assert_eq!(rows.len(), ACTIVATIONS.len(), "an activation has two rows");
    // In the same order: a parameter may name an activation by its place.
    let twins: Vec<_> = reference::ACTIVATIONS.iter().map(|row| row.name).collect();
    assert_eq!(twins, ACTIVATIONS.iter().map(|row| row.name).collect::<Vec<_>>(), "rows of the reference");
    for row in ACTIVATIONS {
        let twin = find(row.name).unwrap_or_else(|| panic!("{}: no twin in the reference", row.name));
        let draws = match row.draws {
            Draws::Nothing => reference::Draws::Nothing,
            Draws::Uniform => reference::Draws::Uniform,
            Draws::Normal => reference::Draws::Normal,
        };
        assert_eq!(twin.draws, draws, "{}: random in one table only", row.name);
        let parameters: Vec<_> = twin.parameters.iter().map(|&(name, value)| (name, value as f32)).collect();
        assert_eq!(parameters, defaults(row), "{}: parameters of the twin and of the row", row.name);
    }
}

fn names(rows: &BTreeSet<(String, String)>) -> BTreeSet<String> {
    rows.iter().map(|row| row.0.clone()).collect()
}

/// Names and defaults of a row's parameters; a choice counts as its position.
fn defaults(row: &Row) -> Vec<(&'static str, f32)> {
    let default = |kind| match kind {
        Kind::Number { default, .. } => default,
        Kind::Count { default, .. } => default as f32,
        Kind::Choice(_) => 0.0,
        Kind::Function(name) => ACTIVATIONS.iter().position(|row| row.name == name).unwrap() as f32,
    };
    row.parameters.iter().map(|parameter| (parameter.name, default(parameter.kind))).collect()
}

#[test]
fn defaults_are_in_range_and_specs_read_back() {
    for row in ACTIVATIONS {
        for parameter in row.parameters {
            match parameter.kind {
                Kind::Number { min, max, default } => {
                    assert!((min..=max).contains(&default), "{}: default of {}", row.name, parameter.name);
                }
                Kind::Count { min, max, default } => {
                    assert!((min..=max).contains(&default), "{}: default of {}", row.name, parameter.name);
                }
                Kind::Choice(words) => assert!(words.len() > 1, "{}: choice {}", row.name, parameter.name),
                Kind::Function(name) => assert!(find(name).is_some(), "{}: {}", row.name, parameter.name),
            }
        }
        let plain = Activation::parse(row.name).unwrap();
        let full = Activation::parse(&plain.spec()).unwrap();
        assert_eq!(full.spec(), plain.spec());
        assert_eq!(
            full.values(),
            defaults(row).iter().map(|pair| pair.1).collect::<Vec<_>>(),
            "{}",
            row.name
        );
    }
}

#[test]
fn ends_of_a_range_are_in_order() {
    let message = Activation::parse("rrelu:lower=0.5,upper=0.25").unwrap_err().to_string();
    assert!(message.contains("lower = 0.5 is above upper = 0.25"), "{message}");
    Activation::parse("rrelu:lower=0.25,upper=0.25").unwrap();
}

#[test]
fn every_library_is_used() {
    let evaluations: Vec<_> =
        ACTIVATIONS.iter().map(|row| Activation::parse(row.name).unwrap().source()).collect();
    for (name, file) in under(LIBRARIES) {
        let in_kernels = KERNELS.iter().any(|kernel| kernel.libraries.contains(&file.text.as_str()));
        let in_activations = evaluations.iter().any(|source| source.contains(&file.text));
        let substitute = WORDS64.iter().chain(&MATRICES8).any(|(_, other)| file.text == *other);
        assert!(in_kernels || in_activations || substitute, "lib/{name}.wgsl is in no kernel");
    }
    let texts: Vec<_> = under(LIBRARIES).into_iter().map(|(_, file)| file.text).collect();
    for kernel in KERNELS {
        let known = kernel.libraries.iter().all(|library| texts.iter().any(|text| text == library));
        assert!(known, "{}: a library that is no file of shaders/lib", kernel.name);
    }
}

#[test]
fn shaders_have_a_header_and_stay_short() {
    for (name, file) in shaders() {
        let header = file.text.lines().take_while(|line| line.starts_with("// ")).count();
        assert!(header >= 1, "{name}: expected a comment at the top that says what it computes");
        // The end of src/kernels/conv/winograd.rs says what it costs.
        let index = file.text.contains("local_invocation_index");
        assert!(
            !index,
            "{name}: expected local_invocation_id, which drivers that run on the CPU have cheaper"
        );
    }
    for (name, file) in kernels() {
        assert!(file.lines() <= MOST_KERNEL_LINES, "{name}: {} lines", file.lines());
    }
}
