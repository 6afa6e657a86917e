// dx = gamma * invstd * (dz - (dbeta + xhat * dgamma) / rows) in training, gamma * invstd * dz with fixed statistics
// (TRAIN false); in place: x becomes dx, since nothing needs x any more. dbeta and dgamma are the sums of the chunks that
// batchnorm/backward_reduce left.
// x, dz: N,C4,PIXELS,4  saved: 2,C4*4 (mean, invstd)  partial: chunks,2,C4*4 (sum of dz, sum of dz * xhat)
// affine, affine_gradient: gamma C4*4, beta from affine_offset on
// Workgroups: a line over chunks of rows, times channel groups in z; each adds up for itself, the first one writes.
struct Params { rows: u32, rows_per_chunk: u32, affine_offset: u32, chunks: u32 } // offset in groups of four
@group(0) @binding(0) var<storage, read> dz: array<Four>;
@group(0) @binding(1) var<storage, read> saved: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> affine_gradient: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> x: array<Four>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    var own = Pair();
    for (var chunk = local.x; chunk < params.chunks; chunk += WORKGROUP) {
        own.a += partial[2u * chunk * C4 + p.c];
        own.b += partial[(2u * chunk + 1u) * C4 + p.c];
    }
    let sums = workgroup_sums(local.x, own);
    if flat_group(group, groups) == 0u && local.x == 0u {
        affine_gradient[p.c] = sums.b;
        affine_gradient[params.affine_offset + p.c] = sums.a;
    }
    let rows = f32(params.rows);
    let mean = saved[p.c];
    let invstd = saved[C4 + p.c];
    let scale = affine[p.c] * invstd;
    let dbeta = sums.a / rows;
    let dgamma = sums.b / rows;
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
