// Exchanges two flat buffers word for word: the averaged weights take the place of the trained ones for an evaluation.
// a, b: words in groups of four. An invocation owns one group of four.
struct Params { count: u32, pad0: u32, pad1: u32, pad2: u32 } // groups of four
@group(0) @binding(0) var<storage, read_write> a: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> b: array<vec4<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at < params.count {
        let kept = a[at];
        a[at] = b[at];
        b[at] = kept;
    }
}
