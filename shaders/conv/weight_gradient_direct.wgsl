// As conv/weight_gradient_naive for KERNEL 3; what changed: an invocation owns one input channel x 9 taps x 8 output
// channels in registers and walks along rows, so that three loads of x and two of dy (the same for the whole workgroup)
// serve 72 multiply-adds.
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_OUT,W_OUT,4  partial: splits,stride (3,3,C_IN4*4,C_OUT4*4)
// Workgroups: x over input channels, y over pairs of output groups, z over splits: a split is a run of output rows.
struct Params { batch: u32, rows: u32, stride: u32, pad0: u32 } // output rows a split; words a split
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const C_IN = C_IN4 * 4u;
const PLANE = H_OUT * W_OUT;

struct Sums {
    s0: vec4<f32>, s1: vec4<f32>, s2: vec4<f32>,
    s3: vec4<f32>, s4: vec4<f32>, s5: vec4<f32>,
    s6: vec4<f32>, s7: vec4<f32>, s8: vec4<f32>,
}

struct Window { top: vec3<f32>, middle: vec3<f32>, bottom: vec3<f32> }

fn add(v: Window, g: vec4<f32>, s: Sums) -> Sums {
    return Sums(
        fma(vec4<f32>(v.top.x), g, s.s0), fma(vec4<f32>(v.top.y), g, s.s1), fma(vec4<f32>(v.top.z), g, s.s2),
        fma(vec4<f32>(v.middle.x), g, s.s3), fma(vec4<f32>(v.middle.y), g, s.s4), fma(vec4<f32>(v.middle.z), g, s.s5),
        fma(vec4<f32>(v.bottom.x), g, s.s6), fma(vec4<f32>(v.bottom.y), g, s.s7), fma(vec4<f32>(v.bottom.z), g, s.s8),
    );
}

fn load(n: u32, h: u32, w: u32, c: u32) -> f32 {
    let inside = h < H_IN && w < W_IN; // below 0 wraps round
    let at = select(0u, ((n * C_IN4 + c / 4u) * H_IN * W_IN + h * W_IN + w) * 4u + c % 4u, inside);
    return select(0.0, x[at], inside);
}

// The next column of a row of the window, and what lies before it.
fn slide(row: vec3<f32>, n: u32, h: u32, w: u32, c: u32) -> vec3<f32> {
    if STRIDE == 1u {
        return vec3<f32>(row.yz, load(n, h, w, c));
    }
    return vec3<f32>(load(n, h, w - 2u, c), load(n, h, w - 1u, c), load(n, h, w, c));
}

fn store(split: u32, c: u32, k: u32, s: Sums) {
    if k >= C_OUT4 {
        return;
    }
    let at = split * (params.stride / 4u) + c * C_OUT4 + k;
    const TAP = C_IN * C_OUT4;
    partial[at] = s.s0;
    partial[at + TAP] = s.s1;
    partial[at + 2u * TAP] = s.s2;
    partial[at + 3u * TAP] = s.s3;
    partial[at + 4u * TAP] = s.s4;
    partial[at + 5u * TAP] = s.s5;
    partial[at + 6u * TAP] = s.s6;
    partial[at + 7u * TAP] = s.s7;
    partial[at + 8u * TAP] = s.s8;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let c = group.x * WORKGROUP + local;
    let k = group.y * 2u;
    let other = min(k + 1u, C_OUT4 - 1u);
    if c >= C_IN {
        return;
    }
    var a = Sums();
    var b = Sums();
    let end = min((group.z + 1u) * params.rows, params.batch * H_OUT);
    for (var row = group.z * params.rows; row < end; row++) {
        let n = row / H_OUT;
        let h = row % H_OUT * STRIDE - PAD;
        var v = Window(
            vec3<f32>(0.0, load(n, h, 0u - PAD, c), load(n, h, 1u - PAD, c)),
            vec3<f32>(0.0, load(n, h + 1u, 0u - PAD, c), load(n, h + 1u, 1u - PAD, c)),
            vec3<f32>(0.0, load(n, h + 2u, 0u - PAD, c), load(n, h + 2u, 1u - PAD, c)),
        );
        for (var w = 0u; w < W_OUT; w++) {
            let right = w * STRIDE + 2u - PAD;
            v = Window(
                slide(v.top, n, h, right, c), slide(v.middle, n, h + 1u, right, c), slide(v.bottom, n, h + 2u, right, c),
            );
            let at = row % H_OUT * W_OUT + w;
            a = add(v, dy[(n * C_OUT4 + k) * PLANE + at], a);
            b = add(v, dy[(n * C_OUT4 + other) * PLANE + at], b);
        }
    }
    store(group.z, c, k, a);
    store(group.z, c, k + 1u, b);
}
