// y += sqrt(variance) normal, in place: Gaussian moment matching at test time (Wan et al., ICML 2013, section 4).
// y, variance: words in groups of four. An invocation owns one group; it draws the block of its number.
struct Params { count: u32, layer: u32, seed: u32, pad0: u32 } // groups of four
@group(0) @binding(0) var<storage, read> variance: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const STREAM_DROPOUT = 2u;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at < params.count {
        y[at] += sqrt(variance[at]) * normal4(params.seed, STREAM_DROPOUT, at, state.step, params.layer);
    }
}
