// x becomes x / (1 - RATE) where the element is kept (u >= RATE), else 0, in place; the backward pass is the same on dy
// with the same draws. x: elements in groups of four; one Philox block a group (counter: the index of the group).
// An invocation takes one group.
struct Params { count: u32, layer: u32, seed: u32, pad0: u32 } // groups of four
@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

const STREAM_DROPOUT = 2u;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let at = flat_group(group, groups) * WORKGROUP + local;
    if at < params.count {
        let u = uniform4(params.seed, STREAM_DROPOUT, at, state.step, params.layer);
        x[at] = select(vec4<f32>(), x[at] * (1.0 / (1.0 - RATE)), u >= vec4<f32>(RATE));
    }
}
