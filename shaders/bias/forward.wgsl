// x[.., c] += bias[c], in place: the bias of a convolution. x: N,C4,PIXELS,4  bias: C4*4
// Workgroups: a line over chunks of rows, times channel groups in z.
struct Params { rows: u32, rows_per_chunk: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> x: array<Four>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    let own = bias[p.c];
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        x[i] = packed(four(x[i]) + own);
    }
}
