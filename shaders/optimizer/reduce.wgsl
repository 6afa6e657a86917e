// Sums the partial weight gradients of all convolutions, in the order of their splits, over a table with a row for each 64
// words of the flat gradient: (first word in partial, splits, words from split to split, unused). Rows without splits are
// left alone: their gradients were written whole. With SCALED it notes in scaling[2] whether a gradient is not finite.
// gradient: words in groups of four  partial: as the table says. An invocation owns one group of four.
struct Params { count: u32, pad0: u32, pad1: u32, pad2: u32 } // groups of four
@group(0) @binding(0) var<storage, read> partial: array<Four>;
@group(0) @binding(1) var<storage, read> table: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> gradient: array<Four>;
@group(0) @binding(3) var<storage, read_write> scaling: array<atomic<u32>>;
@group(0) @binding(4) var<uniform> params: Params;

fn note(v: vec4<f32>) {
    const EXPONENT = vec4<u32>(0x7f800000u); // all ones: infinite, or no number
    if SCALED && any((bitcast<vec4<u32>>(v) & EXPONENT) == EXPONENT) {
        atomicStore(&scaling[2], 1u);
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at >= params.count {
        return;
    }
    let row = table[at / 16u];
    if row.y == 0u {
        note(four(gradient[at]));
        return;
    }
    var place = row.x / 4u + at % 16u;
    var sum = four(partial[place]);
    for (var split = 1u; split < row.y; split++) {
        place += row.z / 4u;
        sum += four(partial[place]);
    }
    gradient[at] = packed(sum);
    note(sum);
}
