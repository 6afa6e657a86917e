// As conv/input_gradient_naive for KERNEL 3, STRIDE 1, PAD 1; what changed: a tile of 4x4 pixels x 4 or 8 channels stays in
// registers (lib/direct3x3). The gradient is the convolution of dy with the weights turned round and transposed.
// dy: N,C_OUT4,H_IN,W_IN,4  weight: 3,3,C_IN4*4,C_OUT4*4  dx: N,C_IN4,H_IN,W_IN,4
// Workgroups: a line over tiles of all images, times blocks of BLOCKS input groups in z. With ACCUMULATE the sum is added to what dx holds.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> dy: array<Four>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

const PLANES = C_OUT4;
const OWN = C_IN4;

fn load(p: Place, c: u32) -> vec4<f32> {
    return select(vec4<f32>(), four(dy[p.pixel + c * PLANE]), p.inside);
}

fn weights(tap: u32, k: u32, c: u32) -> mat4x4<f32> {
    let at = ((8u - tap) * C_IN4 + c) * 4u * C_OUT4 + k;
    return transpose(mat4x4<f32>(weight[at], weight[at + C_OUT4], weight[at + 2u * C_OUT4], weight[at + 3u * C_OUT4]));
}

fn store(n: u32, h: u32, w: u32, c: u32, sum: vec4<f32>) {
    if h < H_IN && w < W_IN {
        let at = ((n * C_IN4 + c) * H_IN + h) * W_IN + w;
        if ACCUMULATE {
            dx[at] = packed(four(dx[at]) + sum);
        } else {
            dx[at] = packed(sum);
        }
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    store_blocks(convolve_tile(flat_group(group, groups) * WORKGROUP + local.x, group.z, params.batch));
}
