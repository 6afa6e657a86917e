// y = activation(x) with a learned number a for each channel, or one for all (SHARE 0). x, y: N,C4,PIXELS,4  a: C4*4, or 4
// Draws as activation/forward does. Workgroups: a line over chunks of rows, times channel groups in z.
struct Params { rows: u32, rows_per_chunk: u32, layer: u32, seed: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read_write> y: array<Four>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    let own = select(a[p.c * SHARE], vec4<f32>(a[0].x), SHARE == 0u);
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        let u = draw(params.seed, row * C4 + p.c, state.step, params.layer);
        y[i] = packed(real_channels(learned_value4(four(x[i]), u, own), p.c));
    }
}
