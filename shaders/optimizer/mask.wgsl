// Pruned weights stay 0: weight *= mask, of zeros and ones.
// weight, mask: words in groups of four. An invocation owns one group of four.
struct Params { count: u32, pad0: u32, pad1: u32, pad2: u32 } // groups of four
@group(0) @binding(0) var<storage, read> mask: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> weight: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at < params.count {
        weight[at] *= mask[at];
    }
}
