//! The tree's rules: who may use whom, how long files may be, what may not stand in them.

use super::tree::{File, files, without_comments};

const MOST_LINES: usize = 400;
const MOST_FUNCTION_LINES: usize = 60;

/// Files that are longer for a reason: none.
const LONGER_FILES: &[&str] = &[];
/// Functions that are longer for a reason: none.
const LONGER_FUNCTIONS: &[&str] = &[];

/// Which modules of the crate each module may use besides itself: a module, or a part of one.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("rng", &[]),
    ("config", &["error"]),
    ("data", &["error", "rng"]),
    ("reference", &["rng"]),
    ("gpu", &["error", "rng", "config"]),
    ("kernels", &["gpu", "error", "rng", "config"]),
    ("nn", &["kernels", "gpu", "error", "rng", "config"]),
    ("interop", &["nn", "kernels", "error"]),
    ("train", &["nn", "kernels", "gpu", "data", "error", "rng", "config"]),
    ("measure", &["train", "nn", "kernels", "gpu", "reference", "data", "error", "rng", "config"]),
    ("report", &["train::metrics", "error", "config"]),
    (
        "cli",
        &[
            "train",
            "measure",
            "report",
            "interop",
            "nn",
            "kernels",
            "gpu",
            "reference",
            "data",
            "error",
            "rng",
            "config",
        ],
    ),
    ("main", &["cli", "error"]),
    // The crate's root only names its modules; it re-exports the error.
    ("lib", &["error"]),
];

/// What no text may hold: a workshop's notes, split so that this file does not hold them itself.
const NOTES: &[&str] = &[
    concat!("issue", " #"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("/wo", "rk/"),
];

/// What may not stand in the crate: a user must never meet a panic. `expect` and `unreachable!` say why they are
/// impossible.
const PANICS: &[&str] =
    &[".unwrap()", "panic!(", "todo!(", "unimplemented!(", "dbg!(", "expect(\"\")", "unreachable!()"];

fn sources() -> Vec<File> {
    files(&["src"], &["rs"])
}

/// The module of the crate that a file of src belongs to.
fn module_of(path: &str) -> &str {
    let path = path.strip_prefix("src/").unwrap();
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Splits at commas outside of braces.
fn elements(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The text inside the brace that `text` starts with.
fn braced(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[1..at];
        }
    }
    panic!("a brace without its end: {text}")
}

/// The paths that a text after `crate::` names: one, or those of a list in braces.
fn paths(text: &str) -> Vec<String> {
    if text.starts_with('{') {
        return elements(braced(text)).into_iter().flat_map(paths).collect();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    match rest.strip_prefix("::") {
        Some(rest) => paths(rest).into_iter().map(|path| format!("{head}::{path}")).collect(),
        None => vec![head.to_owned()],
    }
}

/// Every path under the crate's root that a text names, as `crate::` or from the binary as `wgrad::`.
fn mentions(text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut found = Vec::new();
    for root in ["crate::", "wgrad::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                found.extend(paths(&code[at + root.len()..]));
            }
        }
    }
    // The root re-exports these.
    let plain =
        |path: String| if path == "Error" || path == "Result" { format!("error::{path}") } else { path };
    found.into_iter().map(plain).collect()
}

fn allowed(module: &str, path: &str) -> bool {
    let (_, may) = MAY_USE.iter().find(|row| row.0 == module).unwrap_or_else(|| {
        panic!("module {module}: give it a row in MAY_USE of tests/host/layering.rs");
    });
    let inside =
        |part: &str| path == part || path.strip_prefix(part).is_some_and(|rest| rest.starts_with("::"));
    inside(module) || may.iter().any(|part| inside(part))
}

#[test]
fn modules_use_only_what_they_may() {
    let mut seen = 0;
    for file in sources() {
        let module = module_of(&file.path);
        for path in mentions(&file.text) {
            seen += 1;
            assert!(allowed(module, &path), "{}: {module} may not use {path}", file.path);
        }
        // Another way to the root, which the paths above would not show.
        let code = without_comments(&file.text);
        assert!(!code.contains("super::super"), "{}: write crate:: instead of super::super", file.path);
        let top = file.path.ends_with("/mod.rs") && file.path.matches('/').count() == 2;
        assert!(!top || !code.contains("super::"), "{}: write crate:: instead of super::", file.path);
    }
    assert!(seen > 50, "only {seen} mentions found: the search does not see them");
}

#[test]
fn mentions_are_found_and_judged() {
    let text = "use crate::{Error, gpu::{self, Plan}, nn::models};\nlet x = crate::data::Split; // crate::cli\n\
                let y = \"http://a/b\"; wgrad::train::run(); subcrate::no();";
    let want = ["error::Error", "gpu::self", "gpu::Plan", "nn::models", "data::Split", "train::run"];
    assert_eq!(mentions(text), want);
    assert!(allowed("kernels", "gpu::Plan") && !allowed("gpu", "kernels::Rows"));
    assert!(allowed("report", "train::metrics::Summary") && !allowed("report", "train::schedule"));
    assert!(!allowed("report", "train") && !allowed("reference", "error::Error"));
    assert!(allowed("gpu", "gpu::Plan") && !allowed("nn", "network::Node"));
}

/// wgpu is named in gpu alone, and the reference uses no other crate than std.
#[test]
fn other_crates_stay_in_their_place() {
    let manifest = include_str!("../../Cargo.toml");
    let table = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let crates: Vec<_> = table.lines().filter_map(|line| line.split_once(" =")).map(|row| row.0).collect();
    assert!(crates.contains(&"wgpu") && crates.contains(&"rayon"), "{crates:?}");
    for file in sources() {
        let module = module_of(&file.path);
        for name in &crates {
            let forbidden = module == "reference" || (*name == "wgpu" && module != "gpu");
            assert!(!forbidden || !names_crate(&file.text, name), "{}: uses {name}", file.path);
        }
    }
    assert!(names_crate("use wgpu;", "wgpu") && names_crate("a(wgpu::B)", "wgpu"));
    assert!(!names_crate("// wgpu::B\nlet my_wgpu = 1;", "wgpu"));
}

fn names_crate(text: &str, name: &str) -> bool {
    let code = without_comments(text);
    code.match_indices(name).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let whole = !before.ends_with(word) && !after.starts_with(word);
        whole && (after.starts_with("::") || before.ends_with("use ") || before.ends_with("extern crate "))
    })
}

#[test]
fn the_crate_uses_no_tests() {
    for file in sources() {
        let code = without_comments(&file.text);
        for word in ["tests/", "cfg(test)", "#[test]"] {
            assert!(!code.contains(word), "{}: {word} belongs under tests/", file.path);
        }
    }
}

#[test]
fn files_and_functions_are_short() {
    for file in files(&["src", "shaders", "tests", "examples"], &["rs", "wgsl"]) {
        let listed = LONGER_FILES.contains(&file.path.as_str());
        assert_eq!(file.lines() > MOST_LINES, listed, "{}: {} lines", file.path, file.lines());
    }
    for file in sources() {
        for (name, lines) in functions(&file.text) {
            let full = format!("{} {name}", file.path);
            let listed = LONGER_FUNCTIONS.contains(&full.as_str());
            assert_eq!(lines > MOST_FUNCTION_LINES, listed, "{full}: {lines} lines");
        }
    }
}

/// Names and lines of a file's functions, by rustfmt's indentation.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.trim_start().split(['(', '<', ' ']).collect();
        let modifiers = ["pub", "const", "unsafe", "super)", "crate)"];
        let Some(at) = words.iter().position(|word| *word == "fn") else { continue };
        if words[..at].iter().all(|word| modifiers.contains(word)) && !line.ends_with('}') {
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[first..].iter().position(|line| *line == end).unwrap_or(0) + 1;
            found.push((words[at + 1].to_owned(), length));
        }
    }
    found
}

#[test]
fn functions_are_measured() {
    let text =
        "fn a() {\n    one\n}\n\nimpl A {\n    pub(super) const fn b<T>(\n        x: T,\n    ) {\n    }\n}\n";
    assert_eq!(functions(text), [("a".to_owned(), 3), ("b".to_owned(), 4)]);
}

#[test]
fn the_crate_has_no_unexplained_panics() {
    for file in sources() {
        let code = without_comments(&file.text);
        for (number, line) in code.lines().enumerate() {
            let found = PANICS.iter().find(|word| line.contains(*word));
            assert_eq!(found, None, "{}:{}: return an error instead", file.path, number + 1);
        }
        let asserts = code.lines().any(|line| line.trim_start().starts_with("assert"));
        // The reference says so once, for all of its functions.
        let documented = file.text.contains("# Panics") || module_of(&file.path) == "reference";
        assert!(!asserts || documented, "{}: an assertion needs a Panics section", file.path);
    }
}

#[test]
fn no_text_holds_notes_of_its_making() {
    let folders = ["src", "shaders", "tests", "examples", "scripts", "assets/recipes"];
    for file in files(&folders, &["rs", "wgsl", "toml", "sh", "py", "md"]) {
        for (number, line) in file.text.lines().enumerate() {
            let found = NOTES.iter().find(|word| line.contains(*word));
            assert_eq!(found, None, "{}:{}", file.path, number + 1);
        }
    }
}
