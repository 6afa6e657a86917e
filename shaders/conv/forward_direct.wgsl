// As conv/forward_naive for KERNEL 3, STRIDE 1, PAD 1; what changed: a tile of 2x4 pixels x 4 channels stays in registers
// (lib/direct3x3), so that 24 loads serve 288 multiply-adds of four.
// x: N,H_IN,W_IN,C_IN4*4  weight: 3,3,C_IN4*4,C_OUT4*4  y: N,H_IN,W_IN,C_OUT4*4
// Workgroups: a line over tiles of all images, times C_OUT4 in z.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

fn load(n: u32, h: u32, w: u32, c: u32) -> vec4<f32> {
    let inside = h < H_IN && w < W_IN; // below 0 wraps round
    let at = select(0u, ((n * H_IN + h) * W_IN + w) * C_IN4 + c, inside);
    return select(vec4<f32>(), x[at], inside);
}

fn weights(tap: u32, c: u32, k: u32) -> mat4x4<f32> {
    let at = (tap * C_IN4 + c) * 4u * C_OUT4 + k;
    return mat4x4<f32>(weight[at], weight[at + C_OUT4], weight[at + 2u * C_OUT4], weight[at + 3u * C_OUT4]);
}

fn store(n: u32, h: u32, w: u32, k: u32, sum: vec4<f32>) {
    if h < H_IN && w < W_IN {
        y[((n * H_IN + h) * W_IN + w) * C_OUT4 + k] = sum;
    }
}

const TILES_W = (W_IN + 3u) / 4u;
const TILES_H = (H_IN + 1u) / 2u;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tile = flat_group(group, groups) * WORKGROUP + local;
    let n = tile / (TILES_W * TILES_H);
    if n >= params.batch {
        return;
    }
    let h = tile / TILES_W % TILES_H * 2u;
    let w = tile % TILES_W * 4u;
    let t = convolve_tile(n, h, w, C_IN4, group.z);
    for (var q = 0u; q < 4u; q++) {
        store(n, h, w + q, group.z, t.top[q]);
        store(n, h + 1u, w + q, group.z, t.bottom[q]);
    }
}
