// x becomes x / (1 - RATE) where the element is kept (u >= RATE), else 0, in place; the backward pass is the same on dy
// with the same draws. x: N,C4,PIXELS,4; one Philox block for each four channels (counter row*C4 + c).
// Workgroups: a line over chunks of rows, times channel groups in z.
struct Params { rows: u32, rows_per_chunk: u32, layer: u32, seed: u32 }
@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<storage, read_write> x: array<Four>;
@group(0) @binding(2) var<uniform> params: Params;

const STREAM_DROPOUT = 2u;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        let u = uniform4(params.seed, STREAM_DROPOUT, row * C4 + p.c, state.step, params.layer);
        x[i] = packed(select(vec4<f32>(), four(x[i]) * (1.0 / (1.0 - RATE)), u >= vec4<f32>(RATE)));
    }
}
