// Joins the chunks of batchnorm/backward_reduce, in their order: gamma's and beta's gradients.
// partial: chunks,2,C4*4 (sum of dz, sum of dz * xhat)  affine_gradient: gamma C4*4, beta from affine_offset on
// A workgroup takes one group of four channels; its invocations take chunks.
struct Params { chunks: u32, affine_offset: u32, pad0: u32, pad1: u32 } // offset in groups of four
@group(0) @binding(0) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> affine_gradient: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> betas: array<vec4<f32>, WORKGROUP>;
var<workgroup> gammas: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let c = group.x;
    var beta = vec4<f32>();
    var gamma = vec4<f32>();
    for (var chunk = local; chunk < params.chunks; chunk += WORKGROUP) {
        beta += partial[2u * chunk * C4 + c];
        gamma += partial[(2u * chunk + 1u) * C4 + c];
    }
    betas[local] = beta;
    gammas[local] = gamma;
    workgroupBarrier();
    if local == 0u {
        for (var other = 1u; other < min(WORKGROUP, params.chunks); other++) {
            beta += betas[other];
            gamma += gammas[other];
        }
        affine_gradient[c] = gamma;
        affine_gradient[params.affine_offset + c] = beta;
    }
}
