// As conv/input_gradient_naive for KERNEL 3, STRIDE 1, PAD 1; what changed: regions of 8x8 pixels with their halo go through
// workgroup memory, loaded once for all nine taps (lib/tiled3x3). The gradient is the convolution of dy with the weights turned
// round and transposed.
// dy: N,C_OUT4,H_IN,W_IN,4  weight: 3,3,C_IN4*4,C_OUT4*4  dx: N,C_IN4,H_IN,W_IN,4
// Workgroups: a line over REGIONS regions of all images, times blocks of TILE_N4 input groups in z. With ACCUMULATE the sum is
// added to what dx holds.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const PLANES = C_OUT4;
const OWN = C_IN4;

fn load(at: u32) -> vec4<f32> {
    return dy[at];
}

fn weight_row(tap: u32, k: u32, j: u32, c: u32) -> vec4<f32> {
    let at = select(0u, ((8u - tap) * C_IN4 + c) * 4u * C_OUT4 + k, c < C_IN4);
    let four = vec4<f32>(
        weight[at][j], weight[at + C_OUT4][j], weight[at + 2u * C_OUT4][j], weight[at + 3u * C_OUT4][j],
    );
    return select(vec4<f32>(), four, c < C_IN4);
}

fn store(at: u32, v: vec4<f32>) {
    if ACCUMULATE {
        dx[at] += v;
    } else {
        dx[at] = v;
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let first = flat_group(group, groups) * REGIONS;
    if first >= params.batch * REGIONS_H * REGIONS_W { // the same for the whole workgroup
        return;
    }
    let made = convolve(first, group.z * TILE_N4, params.batch, local.x);
    let c = group.z * TILE_N4 + local.x / LANES;
    store_tile(first, params.batch, local.x, c, made.first);
    store_tile(first, params.batch, local.x, c + LANES_N, made.second);
}
