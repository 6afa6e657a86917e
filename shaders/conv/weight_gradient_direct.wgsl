// As conv/weight_gradient_naive for KERNEL 3; what changed: an invocation owns one input channel x 9 taps x 4 output
// channels in registers and walks along rows, so that three loads of x and one of dy (the same for the whole workgroup)
// serve 36 multiply-adds.
// x: N,H_IN,W_IN,C_IN4*4  dy: N,H_OUT,W_OUT,C_OUT4*4  partial: splits,stride (3,3,C_IN4*4,C_OUT4*4)
// Workgroups: x over input channels, y over C_OUT4, z over splits: a split is a run of output rows of all images.
struct Params { batch: u32, rows: u32, stride: u32, pad0: u32 } // output rows a split; words a split
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const C_IN = C_IN4 * 4u;

fn load(n: u32, h: u32, w: u32, c: u32) -> f32 {
    let inside = h < H_IN && w < W_IN; // below 0 wraps round
    let at = select(0u, ((n * H_IN + h) * W_IN + w) * C_IN + c, inside);
    return select(0.0, x[at], inside);
}

fn put(split: u32, tap: u32, c: u32, k: u32, sum: vec4<f32>) {
    partial[split * (params.stride / 4u) + (tap * C_IN + c) * C_OUT4 + k] = sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let c = group.x * WORKGROUP + local;
    let k = group.y;
    if c >= C_IN {
        return;
    }
    var s0 = vec4<f32>(); var s1 = vec4<f32>(); var s2 = vec4<f32>();
    var s3 = vec4<f32>(); var s4 = vec4<f32>(); var s5 = vec4<f32>();
    var s6 = vec4<f32>(); var s7 = vec4<f32>(); var s8 = vec4<f32>();
    let end = min((group.z + 1u) * params.rows, params.batch * H_OUT);
    for (var row = group.z * params.rows; row < end; row++) {
        let n = row / H_OUT;
        let h = row % H_OUT * STRIDE - PAD;
        var x0 = load(n, h, 0u - PAD, c);
        var x1 = load(n, h, 1u - PAD, c);
        var x3 = load(n, h + 1u, 0u - PAD, c);
        var x4 = load(n, h + 1u, 1u - PAD, c);
        var x6 = load(n, h + 2u, 0u - PAD, c);
        var x7 = load(n, h + 2u, 1u - PAD, c);
        for (var w = 0u; w < W_OUT; w++) {
            let g = dy[(row * W_OUT + w) * C_OUT4 + k];
            let right = w * STRIDE + 2u - PAD;
            let x2 = load(n, h, right, c);
            let x5 = load(n, h + 1u, right, c);
            let x8 = load(n, h + 2u, right, c);
            s0 = fma(vec4<f32>(x0), g, s0); s1 = fma(vec4<f32>(x1), g, s1); s2 = fma(vec4<f32>(x2), g, s2);
            s3 = fma(vec4<f32>(x3), g, s3); s4 = fma(vec4<f32>(x4), g, s4); s5 = fma(vec4<f32>(x5), g, s5);
            s6 = fma(vec4<f32>(x6), g, s6); s7 = fma(vec4<f32>(x7), g, s7); s8 = fma(vec4<f32>(x8), g, s8);
            if STRIDE == 1u {
                x0 = x1; x1 = x2; x3 = x4; x4 = x5; x6 = x7; x7 = x8;
            } else {
                x0 = load(n, h, right + STRIDE - 2u, c); x1 = load(n, h, right + STRIDE - 1u, c);
                x3 = load(n, h + 1u, right + STRIDE - 2u, c); x4 = load(n, h + 1u, right + STRIDE - 1u, c);
                x6 = load(n, h + 2u, right + STRIDE - 2u, c); x7 = load(n, h + 2u, right + STRIDE - 1u, c);
            }
        }
    }
    put(group.z, 0u, c, k, s0); put(group.z, 1u, c, k, s1); put(group.z, 2u, c, k, s2);
    put(group.z, 3u, c, k, s3); put(group.z, 4u, c, k, s4); put(group.z, 5u, c, k, s5);
    put(group.z, 6u, c, k, s6); put(group.z, 7u, c, k, s7); put(group.z, 8u, c, k, s8);
}
