//! The names that a WGSL text declares at module scope, and those that WGSL has itself.

/// Functions and types of WGSL that the shaders use: a declaration of the same name would take their place there.
pub(super) const BUILTIN: &[&str] = &[
    "abs",
    "acos",
    "acosh",
    "all",
    "any",
    "array",
    "arrayLength",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "atomic",
    "bitcast",
    "bool",
    "ceil",
    "clamp",
    "cos",
    "cosh",
    "countOneBits",
    "cross",
    "degrees",
    "determinant",
    "distance",
    "dot",
    "exp",
    "exp2",
    "extractBits",
    "f16",
    "f32",
    "faceForward",
    "floor",
    "fma",
    "fract",
    "frexp",
    "i32",
    "insertBits",
    "inverseSqrt",
    "ldexp",
    "length",
    "log",
    "log2",
    "main",
    "mat2x2",
    "mat3x3",
    "mat4x4",
    "max",
    "min",
    "mix",
    "modf",
    "normalize",
    "pow",
    "ptr",
    "quantizeToF16",
    "radians",
    "reflect",
    "refract",
    "reverseBits",
    "round",
    "saturate",
    "select",
    "sign",
    "sin",
    "sinh",
    "smoothstep",
    "sqrt",
    "step",
    "tan",
    "tanh",
    "transpose",
    "trunc",
    "u32",
    "u64",
    "vec2",
    "vec3",
    "vec4",
    "workgroupBarrier",
];

/// Functions, constants, structures, aliases and variables with line and column of their names, from 1.
pub(super) fn declarations(text: &str) -> Vec<(String, u32, u32)> {
    let code = without_comments(text);
    let (mut found, mut depth, mut at) = (Vec::new(), 0usize, 0);
    let bytes = code.as_bytes();
    let mut wanted = false;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'{' | b'(' => depth += 1,
            b'}' | b')' => depth = depth.saturating_sub(1),
            c if is_word(c) => {
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
                let word = &code[start..at];
                if wanted {
                    let line = code[..start].matches('\n').count() as u32 + 1;
                    let column = (start - code[..start].rfind('\n').map_or(0, |end| end + 1)) as u32 + 1;
                    found.push((word.to_owned(), line, column));
                    wanted = false;
                } else {
                    wanted = depth == 0 && DECLARES.contains(&word);
                    // `var<storage, read> name`
                    if wanted && bytes.get(at) == Some(&b'<') {
                        at += code[at..].find('>').map_or(0, |end| end + 1);
                    }
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

const DECLARES: &[&str] = &["fn", "const", "struct", "alias", "var", "override", "let"];

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

/// The text with comments made blank, so that places stay what they are.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut line) = (0usize, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let pair = match (c, next) {
            ('/', Some('/')) if depth == 0 && !line => {
                line = true;
                false
            }
            ('/', Some('*')) if !line => {
                depth += 1;
                true
            }
            ('*', Some('/')) if depth > 0 => {
                depth -= 1;
                chars.next();
                out.push_str("  ");
                continue;
            }
            _ => false,
        };
        if c == '\n' {
            line = false;
        }
        let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
        // A character of several bytes becomes as many blanks.
        if line || depth > 0 {
            (0..c.len_utf8()).for_each(|_| out.push(blank(c)));
        } else {
            out.push(c);
        }
        if pair {
            chars.next();
            out.push(' ');
        }
    }
    out
}
