// dx = gamma * invstd * (dz - (dbeta + xhat * dgamma) / rows) in training, gamma * invstd * dz with fixed statistics
// (TRAIN false); in place: x becomes dx, since nothing needs x any more.
// x, dz: N,C4,PIXELS,4  saved: 2,C4*4 (mean, invstd)  affine, affine_gradient: gamma C4*4, beta from affine_offset on
// Workgroups: a line over chunks of rows, times channel groups in z.
struct Params { rows: u32, rows_a_chunk: u32, affine_offset: u32, pad0: u32 } // offset in groups of four
@group(0) @binding(0) var<storage, read> dz: array<Four>;
@group(0) @binding(1) var<storage, read> saved: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> affine_gradient: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> x: array<Four>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let p = place(local, flat_group(group, groups), group.z, params.rows, params.rows_a_chunk);
    let mean = saved[p.c];
    let invstd = saved[C4 + p.c];
    let scale = affine[p.c] * invstd;
    let dgamma = affine_gradient[p.c] / f32(params.rows);
    let dbeta = affine_gradient[params.affine_offset + p.c] / f32(params.rows);
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        if TRAIN {
            let xhat = (four(x[i]) - mean) * invstd;
            x[i] = packed(scale * (four(dz[i]) - dbeta - xhat * dgamma));
        } else {
            x[i] = packed(scale * four(dz[i]));
        }
    }
}
