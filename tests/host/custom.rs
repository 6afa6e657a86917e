//! A user's activation: what is wrong with a file is said in one sentence, at its line and column, before any device is opened.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use wgrad::gpu::{Constants, inspect};
use wgrad::kernels::Activation;
use wgrad::kernels::activation::{Draws, FORWARD};

use super::shaders::parse;

const DERIVATIVE: &str = "fn derivative(x: f32, u: f32) -> f32 { return 1.0; }\n";

fn file(folder: &tempfile::TempDir, text: &[u8]) -> PathBuf {
    let path = folder.path().join("mine.wgsl");
    std::fs::write(&path, text).expect("a file is written");
    path
}

/// `wgrad check --activation` of a file with this content must fail with these words after the file's name.
#[track_caller]
fn refused(text: &[u8], words: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(&folder, text);
    let started = Instant::now();
    let output = Command::cargo_bin("wgrad")
        .expect("the program is built")
        .args(["check", "--activation", path.to_str().expect("UTF-8")])
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "one sentence: {stderr}");
    for word in words.iter().chain(&["error: ", "mine.wgsl"]) {
        assert!(stderr.contains(word), "expected {word:?} in {stderr}");
    }
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}

#[test]
fn syntax_errors_have_line_and_column() {
    let text =
        format!("// a comment\n{DERIVATIVE}fn value(x: f32, u: f32) -> f32 {{\n    return x * ;\n}}\n");
    refused(text.as_bytes(), &["mine.wgsl:4:16: ", "expression"]);
    let text =
        format!("{DERIVATIVE}fn value(x: f32, u: f32) -> f32 {{\n    let y = x;\n    return y + 1u;\n}}\n");
    refused(text.as_bytes(), &["mine.wgsl:4:12: "]);
    refused(
        format!("{DERIVATIVE}fn value(x: f32, u: f32) -> f32 {{ return slop; }}").as_bytes(),
        &["2:42: ", "slop"],
    );
    refused(b"\xff\xfe", &["UTF-8"]);
}

#[test]
fn missing_and_wrong_functions() {
    refused(DERIVATIVE.as_bytes(), &["there is no fn value(x: f32, u: f32) -> f32"]);
    refused(b"", &["there is no fn value"]);
    let value = "fn value(x: f32, u: f32) -> f32 { return x; }\n";
    refused(value.as_bytes(), &["there is no fn derivative"]);
    refused(
        format!("{DERIVATIVE}fn value(x: f32) -> f32 {{ return x; }}").as_bytes(),
        &[":2:4: ", "(x: f32, u: f32)"],
    );
    let noisy = format!("// noise: uniform\n{value}{DERIVATIVE}");
    refused(noisy.as_bytes(), &["draws noise", "value_eval"]);
    let half = format!("{value}{DERIVATIVE}fn value_eval(x: f32) -> f32 {{ return x; }}");
    refused(half.as_bytes(), &["value_eval needs", "derivative_eval"]);
}

#[test]
fn names_that_are_taken() {
    for name in ["philox", "value4", "draw", "logistic", "main", "exp", "shortcut_at", "params", "uniform4"] {
        let text = format!(
            "fn value(x: f32, u: f32) -> f32 {{ return x; }}\n{DERIVATIVE}/* fn a() */ fn {name}() {{}}\n"
        );
        refused(text.as_bytes(), &[":3:17: ", name, "wgrad's own"]);
    }
    let text = format!(
        "// param: pixels = 1 in 0..2\n{DERIVATIVE}fn value(x: f32, u: f32) -> f32 {{ return PIXELS; }}"
    );
    refused(text.as_bytes(), &["PIXELS"]);
}

#[test]
fn loops_without_a_known_end() {
    let body = |body: &str| {
        format!("{DERIVATIVE}fn value(x: f32, u: f32) -> f32 {{\n var y = x;\n {body}\n return y;\n}}\n")
    };
    for text in [
        "loop { y += 1.0; }",
        "loop { if y > 3.0 { break; } y += 0.0; }",
        "while y < 3.0 { y *= 1.0; }",
        "for (;;) { y += 1.0; }",
        "for (var i = 0u; i < 8u; i--) { y += 1.0; }",
        "for (var i = 0u; i < 8u; i++) { i = 0u; }",
        "for (var i = 0u; i < 8u; i++) { let p = &i; *p = 0u; }",
        "for (var f = 0.0; f < 8.0; f += 1.0) { y += 1.0; }",
        "for (var i = 0u; i < u32(x); i++) { y += 1.0; }",
        "for (var i = 0u; i != 7u; i += 2u) { y += 1.0; }",
        "var i = 0u; loop { if y > 1e9 { continue; } if i < 8u { } else { break; } continuing { i++; } }",
        "for (var i = i32(x) - 1; i < 8; i++) { y += 1.0; }",
    ] {
        let fault = inspect(&body(text)).expect_err(text);
        assert!(fault.message.contains("not known to end"), "{text}: {fault:?}");
        assert_eq!(fault.line, 4, "{text}: {fault:?}");
    }
    for text in [
        "for (var i = 0u; i < 8u; i++) { y += 1.0; }",
        "for (var i = -3; i <= 8; i += 2) { y += 1.0; if y > 4.0 { break; } }",
        "for (var i = 0; i < 4; i++) { for (var k = 0u; k < 100u; k++) { y *= 0.5; } }",
    ] {
        inspect(&body(text)).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    }
    let long = "for (var i = 0; i < 100; i++) { for (var k = 0u; k < 100u; k++) { y *= 0.5; } }";
    let fault = inspect(&body(long)).expect_err("too long");
    assert!(fault.message.contains("at most 4096"), "{fault:?}");
    refused(body("loop { y += 1.0; }").as_bytes(), &["mine.wgsl:4:2: this loop is not known to end"]);
}

#[test]
fn files_and_headers() {
    refused(&vec![b'\n'; 10 << 20], &["10485760", "65536"]);
    let with = |line: &str| format!("{line}\n{DERIVATIVE}fn value(x: f32, u: f32) -> f32 {{ return x; }}\n");
    refused(with("// param: slope 3").as_bytes(), &["mine.wgsl:1:1", "param: NAME = DEFAULT in MIN..MAX"]);
    refused(with("// param: slope = 3 in 0..1").as_bytes(), &["default 3", "0..1"]);
    refused(with("// param: Slope = 3 in 0..4").as_bytes(), &["small letters"]);
    refused(with("// noise: pink").as_bytes(), &["uniform or normal", "pink"]);
    refused(with("var<private> leftover: f32;").as_bytes(), &["leftover", "functions and constants only"]);
    let error = Activation::parse("no/such/file.wgsl").expect_err("no file").to_string();
    assert!(error.contains("no/such/file.wgsl"), "{error}");
}

/// The example of the README is the file, and its text is complete in a kernel.
#[test]
fn the_example_is_an_activation() {
    let text = include_str!("../../assets/activations/swish.wgsl");
    assert!(
        include_str!("../../README.md").contains(&format!("```wgsl\n{text}```")),
        "README.md shows another text"
    );
    assert_eq!(text.lines().count(), 6);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/activations/swish.wgsl");
    let act = Activation::parse(&format!("{path}:slope=2")).expect("an activation");
    assert_eq!(act.spec(), format!("{path}:slope=2"));
    assert_eq!((act.row.draws, act.values()), (Draws::Nothing, &[2.0][..]));
    assert!(!act.source().trusted && Activation::parse("relu").expect("relu").source().trusted);
    let shape = Constants::new().u32("C4", 4).u32("PIXELS", 9).u32("CHANNELS", 15);
    parse(&FORWARD.text(&shape.with(&act.constants(true)), Some(&act.source()))).expect("a complete shader");
    let error = Activation::parse(&format!("{path}:slope=200")).expect_err("out of range").to_string();
    assert!(error.contains("slope") && error.contains("0.1..=10"), "{error}");
}
