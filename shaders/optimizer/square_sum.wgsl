// Sums of squares of the whole gradient, one a workgroup: sums[i] over the groups of four i * WORKGROUP + local, and those
// a whole grid further on. What optimizer/clip takes the norm from.
// gradient: words in groups of four  sums: one for each workgroup
struct Params { count: u32, groups: u32, pad0: u32, pad1: u32 } // groups of four, workgroups
@group(0) @binding(0) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    var own = vec4<f32>();
    for (var at = group.x * WORKGROUP + local.x; at < params.count; at += params.groups * WORKGROUP) {
        let g = gradient[at] / state.scale; // a power of two; 1 in f32
        own += g * g;
    }
    let sum = workgroup_sums(local.x, Pair(own, vec4<f32>())).a;
    if local.x == 0u {
        sums[group.x] = (sum.x + sum.y) + (sum.z + sum.w);
    }
}
