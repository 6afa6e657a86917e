// As conv/forward_direct, by Winograd's F(2x2,3x3) with transformed weights (lib/winograd2); what changed: a tile's pixels
// and the weights go through workgroup memory, and 16 multiply-adds make 4 pixels instead of 36, for GPUs.
// x: N,C_IN4,H_IN,W_IN,4  weight: U of lib/winograd2  y: N,C_OUT4,H_IN,W_IN,4
// Workgroups: a line over blocks of 32 tiles of all images, times blocks of BLOCKS output groups in z.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> weight: array<Four>;
@group(0) @binding(2) var<storage, read_write> y: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

const PLANES = C_IN4;
const OWN = C_OUT4;

fn load(p: Place, c: u32) -> vec4<f32> {
    return select(vec4<f32>(), four(x[p.pixel + c * PLANE]), p.inside);
}

fn store(n: u32, h: u32, w: u32, k: u32, sum: vec4<f32>) {
    y[((n * C_OUT4 + k) * H_IN + h) * W_IN + w] = packed(sum);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    convolve(local.x, flat_group(group, groups) * TILES, group.z, params.batch);
}
