// What the layers of a pass use instead of the weights (lib/connections): connected = mask weight; with VARIANCE the
// variance that a mask gives a weight's product, RATE (1 - RATE) weight^2, and 0 where nothing is dropped.
// weight, connected: words in groups of four  dropped: 1 for each 64 words. An invocation owns one group.
struct Params { count: u32, layer: u32, seed: u32, pad0: u32 } // groups of four
@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dropped: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read_write> connected_weight: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

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
    let w = weight[at];
    if VARIANCE {
        connected_weight[at] = dropped[at / 16u] * RATE * (1.0 - RATE) * w * w;
    } else {
        connected_weight[at] = connected(at) * w;
    }
}
