// gradient *= mask: from the gradients of the weights that a pass used to those of all weights, with its draws
// (lib/connections). gradient: words in groups of four  dropped: 1 for each 64 words. An invocation owns one group.
struct Params { count: u32, layer: u32, seed: u32, pad0: u32 } // groups of four
@group(0) @binding(0) var<storage, read> dropped: array<f32>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at < params.count {
        gradient[at] *= connected(at);
    }
}
