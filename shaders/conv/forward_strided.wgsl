// As conv/forward_naive, any shape; what changed: an invocation owns four neighbouring output pixels x 8 channels, and all
// invocations of a workgroup the same channels, so that a weight is one load for all of them.
// x: N,C_IN4,H_IN,W_IN,4  weight: KERNEL,KERNEL,C_IN4*4,C_OUT4*4  y: N,C_OUT4,H_OUT,W_OUT,4
// Workgroups: a line over runs of four pixels of all images, times pairs of output groups in z.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

const RUNS = (W_OUT + 3u) / 4u;

fn load(n: u32, h: u32, w: u32, c: u32) -> vec4<f32> {
    let inside = h < H_IN && w < W_IN; // below 0 wraps round
    let at = select(0u, ((n * C_IN4 + c) * H_IN + h) * W_IN + w, inside);
    return select(vec4<f32>(), four(x[at]), inside);
}

fn weights(at: u32) -> mat4x4<f32> {
    return mat4x4<f32>(weight[at], weight[at + C_OUT4], weight[at + 2u * C_OUT4], weight[at + 3u * C_OUT4]);
}

fn multiply(v: vec4<f32>, w: mat4x4<f32>, sum: vec4<f32>) -> vec4<f32> {
    var result = fma(vec4<f32>(v.x), w[0], sum);
    result = fma(vec4<f32>(v.y), w[1], result);
    result = fma(vec4<f32>(v.z), w[2], result);
    return fma(vec4<f32>(v.w), w[3], result);
}

// A column is a pixel.
fn multiply_all(v: mat4x4<f32>, w: mat4x4<f32>, sum: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        multiply(v[0], w, sum[0]), multiply(v[1], w, sum[1]), multiply(v[2], w, sum[2]), multiply(v[3], w, sum[3]),
    );
}

fn store(n: u32, h: u32, w: u32, k: u32, sum: mat4x4<f32>) {
    let at = ((n * C_OUT4 + k) * H_OUT + h) * W_OUT + w;
    y[at] = packed(sum[0]);
    if w + 1u < W_OUT {
        y[at + 1u] = packed(sum[1]);
    }
    if w + 2u < W_OUT {
        y[at + 2u] = packed(sum[2]);
    }
    if w + 3u < W_OUT {
        y[at + 3u] = packed(sum[3]);
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let run = flat_group(group, groups) * WORKGROUP + local.x;
    let k = group.z * 2u;
    let paired = k + 1u < C_OUT4;
    let w = run % RUNS * 4u;
    let h = run / RUNS % H_OUT;
    let n = run / (RUNS * H_OUT);
    if n >= params.batch {
        return;
    }
    var first = mat4x4<f32>();
    var second = mat4x4<f32>();
    for (var tap = 0u; tap < KERNEL * KERNEL; tap++) {
        let row = h * STRIDE + tap / KERNEL - PAD;
        let column = w * STRIDE + tap % KERNEL - PAD;
        for (var i = 0u; i < C_IN4; i++) {
            let v = mat4x4<f32>(
                load(n, row, column, i), load(n, row, column + STRIDE, i),
                load(n, row, column + 2u * STRIDE, i), load(n, row, column + 3u * STRIDE, i),
            );
            let at = (tap * C_IN4 + i) * 4u * C_OUT4 + k;
            first = multiply_all(v, weights(at), first);
            second = multiply_all(v, weights(at + u32(paired)), second);
        }
    }
    store(n, h, w, k, first);
    if paired {
        store(n, h, w, k + 1u, second);
    }
}
