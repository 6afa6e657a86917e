//! The random words of lib/philox and the normals of lib/normal: kernels that store them as they are.

use crate::gpu::{Access, Dispatch, Groups, Kernel};
use crate::kernels::lib;
use crate::measure::check::case::Case;
use crate::measure::check::lab::{Lab, below, errors};
use crate::reference::normal_bounds;
use crate::rng::{normal_pair, philox};

/// `words[i] = philox(counter, key)` of `counters[i] = (counter, key, unused)`: not part of training.
static WORDS: Kernel = Kernel {
    name: "philox/words",
    source: "
struct Params { count: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> counters: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> words: array<vec4<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < params.count {
        words[id.x] = philox(counters[2u * id.x], counters[2u * id.x + 1u].xy);
    }
}
",
    libraries: &[lib::PHILOX],
    bindings: &[("counters", Access::Read), ("words", Access::Write)],
    params_bytes: 16,
    workgroup: 64,
    constants: &[],
    activation: false,
};

/// normals[i] = the pair of normals of uniforms[i]: not part of training.
static NORMALS: Kernel = Kernel {
    name: "philox/normals",
    source: "
struct Params { count: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> uniforms: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> normals: array<vec2<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < params.count {
        normals[id.x] = normal_pair(uniforms[id.x]);
    }
}
",
    libraries: &[lib::PHILOX, lib::NORMAL],
    bindings: &[("uniforms", Access::Read), ("normals", Access::Write)],
    ..WORDS
};

/// Pairs of uniforms: the ends, every border of the formula and its neighbours, and 10,007 drawn ones.
fn uniform_pairs() -> Vec<[f64; 2]> {
    const CELL: f64 = 1.0 / 16_777_216.0;
    let edges = [0.0, CELL, 0.25 - CELL, 0.25, 0.5 - CELL, 0.5, 0.5 + CELL, 0.75 - CELL, 0.75, 1.0 - CELL];
    let mut pairs: Vec<_> = edges.iter().flat_map(|&u| edges.map(|v| [u, v])).collect();
    let drawn: Vec<f64> = below(2, 2 * 10_007, 1 << 24).iter().map(|&word| f64::from(word) * CELL).collect();
    pairs.extend(drawn.chunks_exact(2).map(|pair| [pair[0], pair[1]]));
    pairs
}

fn normals(lab: &Lab) -> crate::Result<Vec<crate::measure::check::Comparison>> {
    let pairs = uniform_pairs();
    let uniforms = lab.values("uniforms", pairs.as_flattened())?;
    let normals = lab.poisoned("normals", pairs.len() * 2)?;
    lab.run([Dispatch::new(
        &NORMALS,
        &[&uniforms.view, &normals.view],
        [pairs.len() as u32, 0, 0, 0],
        Groups::cover(pairs.len() as u64, NORMALS.workgroup),
    )])?;
    let expected: Vec<f64> = pairs.iter().flat_map(|&[u, v]| normal_pair(u, v)).collect();
    let bounds: Vec<_> = pairs.iter().flat_map(|&[u, v]| normal_bounds(u, v)).collect();
    lab.check(&normals, &expected, &errors(&bounds))
}

/// A counter and a key.
type Input = ([u32; 4], [u32; 2]);

/// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
const KNOWN: [(Input, [u32; 4]); 3] = [
    (([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    (([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
    (
        ([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    ),
];

fn run(
    lab: &Lab,
    inputs: &[Input],
    expected: &[u32],
) -> crate::Result<Vec<crate::measure::check::Comparison>> {
    let counters: Vec<u32> =
        inputs.iter().flat_map(|(c, k)| [c[0], c[1], c[2], c[3], k[0], k[1], 0, 0]).collect();
    let counters = lab.words("counters", &counters)?;
    let words = lab.poisoned("words", inputs.len() * 4)?;
    lab.run([Dispatch::new(
        &WORDS,
        &[&counters.view, &words.view],
        [inputs.len() as u32, 0, 0, 0],
        Groups::cover(inputs.len() as u64, WORDS.workgroup),
    )])?;
    lab.check_words(&words, expected)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(&WORDS, "known answers", |lab| {
            let inputs = KNOWN.map(|row| row.0);
            run(lab, &inputs, KNOWN.map(|row| row.1).as_flattened())
        }),
        Case::new(&WORDS, "10,007 counters and keys against the host", |lab| {
            let bits = below(1, 6 * 10_007, u32::MAX);
            let inputs: Vec<Input> =
                bits.chunks_exact(6).map(|w| ([w[0], w[1], w[2], w[3]], [w[4], w[5]])).collect();
            let expected: Vec<u32> = inputs.iter().flat_map(|&(c, k)| philox(c, k)).collect();
            run(lab, &inputs, &expected)
        }),
        Case::new(&NORMALS, "normals of 10,107 pairs of uniforms", normals),
    ]
}
