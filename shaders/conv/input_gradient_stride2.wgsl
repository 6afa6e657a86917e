// As conv/input_gradient_naive for KERNEL 3, STRIDE 2, PAD 1; what changed: an invocation owns 2x2 input pixels x 4
// channels, to which the same four output pixels contribute, each tap once.
// dy: N,C_OUT4,H_OUT,W_OUT,4  weight: 3,3,C_IN4*4,C_OUT4*4  dx: N,C_IN4,H_IN,W_IN,4
// Workgroups: a line over 2x2 blocks of all images, times C_IN4 in z. With ACCUMULATE the sum is added to what dx holds.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const BLOCKS_H = (H_IN + 1u) / 2u;
const BLOCKS_W = (W_IN + 1u) / 2u;

fn load(n: u32, h: u32, w: u32, k: u32) -> vec4<f32> {
    let inside = h < H_OUT && w < W_OUT;
    let at = select(0u, ((n * C_OUT4 + k) * H_OUT + h) * W_OUT + w, inside);
    return select(vec4<f32>(), dy[at], inside);
}

fn multiply(v: vec4<f32>, tap: u32, c: u32, k: u32, sum: vec4<f32>) -> vec4<f32> {
    let at = (tap * C_IN4 + c) * 4u * C_OUT4 + k;
    return sum + vec4<f32>(
        dot(v, weight[at]), dot(v, weight[at + C_OUT4]),
        dot(v, weight[at + 2u * C_OUT4]), dot(v, weight[at + 3u * C_OUT4]),
    );
}

fn store(n: u32, h: u32, w: u32, c: u32, sum: vec4<f32>) {
    if h < H_IN && w < W_IN {
        let at = ((n * C_IN4 + c) * H_IN + h) * W_IN + w;
        if ACCUMULATE {
            dx[at] += sum;
        } else {
            dx[at] = sum;
        }
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let block = flat_group(group, groups) * WORKGROUP + local;
    let c = group.z;
    let w = block % BLOCKS_W;
    let h = block / BLOCKS_W % BLOCKS_H;
    let n = block / (BLOCKS_W * BLOCKS_H);
    if n >= params.batch {
        return;
    }
    var s00 = vec4<f32>();
    var s01 = vec4<f32>();
    var s10 = vec4<f32>();
    var s11 = vec4<f32>();
    for (var k = 0u; k < C_OUT4; k++) {
        let g00 = load(n, h, w, k);
        let g01 = load(n, h, w + 1u, k);
        let g10 = load(n, h + 1u, w, k);
        let g11 = load(n, h + 1u, w + 1u, k);
        s00 = multiply(g00, 4u, c, k, s00);
        s01 = multiply(g01, 3u, c, k, multiply(g00, 5u, c, k, s01));
        s10 = multiply(g10, 1u, c, k, multiply(g00, 7u, c, k, s10));
        s11 = multiply(g11, 0u, c, k, multiply(g10, 2u, c, k, s11));
        s11 = multiply(g01, 6u, c, k, multiply(g00, 8u, c, k, s11));
    }
    store(n, 2u * h, 2u * w, c, s00);
    store(n, 2u * h, 2u * w + 1u, c, s01);
    store(n, 2u * h + 1u, 2u * w, c, s10);
    store(n, 2u * h + 1u, 2u * w + 1u, c, s11);
}
