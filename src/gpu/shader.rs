//! Composition of a shader: the kernel's text first, then the library text it uses, then the constants. Order is free at
//! WGSL's module scope, so an error keeps the kernel file's own line number.

use std::fmt::Write;

/// Library text for four channels as they lie in memory (`shaders/lib/four.wgsl`).
pub const FOUR: &str = include_str!("../../shaders/lib/four.wgsl");
/// Library text for random words (`shaders/lib/philox.wgsl`).
pub const PHILOX: &str = include_str!("../../shaders/lib/philox.wgsl");
/// Library text for cooperative matrices of 16x16 (`shaders/lib/coop16.wgsl`).
pub const COOP16: &str = include_str!("../../shaders/lib/coop16.wgsl");

/// A library text, and the one that takes its place on some devices.
pub type Substitute = (&'static str, &'static str);

/// Where words of 64 bits are quicker: drivers that run on the CPU, where a vector load is one gather a component.
pub const WORDS64: [Substitute; 2] = [
    (FOUR, include_str!("../../shaders/lib/four_paired.wgsl")),
    (PHILOX, include_str!("../../shaders/lib/philox64.wgsl")),
];
/// Where there are only cooperative matrices of 8x8.
pub const MATRICES8: [Substitute; 1] = [(COOP16, include_str!("../../shaders/lib/coop8.wgsl"))];

/// Those of a device.
pub(super) fn substitutes_for(words64: bool, matrices8: bool) -> Vec<Substitute> {
    let words: &[Substitute] = if words64 { &WORDS64 } else { &[] };
    let matrices: &[Substitute] = if matrices8 { &MATRICES8 } else { &[] };
    [words, matrices].concat()
}

/// A shader with these substitutes.
pub fn substitute(text: String, substitutes: &[Substitute]) -> String {
    substitutes.iter().fold(text, |text, (usual, other)| text.replace(usual, other))
}

/// Named constants that the host appends to a shader, as `const NAME: type = value;`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constants(Vec<(&'static str, String, &'static str)>);

impl Constants {
    /// No constants.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a `u32`.
    pub fn u32(mut self, name: &'static str, value: u32) -> Self {
        self.0.push((name, format!("{value}u"), "u32"));
        self
    }

    /// Adds an `f32`, written so that it reads back to the same bits.
    pub fn f32(mut self, name: &'static str, value: f32) -> Self {
        self.0.push((name, format!("{value:?}f"), "f32"));
        self
    }

    /// Adds a `bool`.
    pub fn bool(mut self, name: &'static str, value: bool) -> Self {
        self.0.push((name, value.to_string(), "bool"));
        self
    }

    /// Adds all of `other`.
    pub fn with(mut self, other: &Constants) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// Name, value and type of each, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &str, &'static str)> {
        self.0.iter().map(|row| (row.0, row.1.as_str(), row.2))
    }

    /// The constants' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|row| row.0)
    }
}

/// Text that is appended to a kernel's.
#[derive(Clone, Debug, PartialEq)]
pub struct ShaderText {
    /// WGSL.
    pub text: String,
    /// Whether it is this crate's own: a user's is compiled with the runtime's checks of indices and loops.
    pub trusted: bool,
}

impl std::ops::Deref for ShaderText {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

/// The whole text of a shader.
pub fn compose(kernel: &str, libraries: &[&str], constants: &Constants) -> String {
    let mut text = String::from(kernel);
    for library in libraries {
        text.push('\n');
        text.push_str(library);
    }
    text.push('\n');
    for (name, value, kind) in &constants.0 {
        let _ = writeln!(text, "const {name}: {kind} = {value};");
    }
    text
}
