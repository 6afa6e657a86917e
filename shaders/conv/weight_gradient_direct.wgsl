// As conv/weight_gradient_naive for KERNEL 3; what changed: an invocation owns one input channel x 9 taps x 8 output
// channels and walks along rows, four columns at a time: 24 loads of x (at stride 2) and 32 of dy (the same for the whole
// workgroup) serve 288 multiply-adds. It takes one output channel after another, so that nine sums stay in registers.
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_OUT,W_OUT,4  partial: splits,stride (3,3,C_IN4*4,C_OUT4*4)
// Workgroups: x over input channels, y over pairs of output groups, z over splits: a split is a run of output rows.
struct Params { batch: u32, rows: u32, stride: u32, pad0: u32 } // output rows a split; words a split
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;


// The 3x3 pixels of four neighbouring outputs: a column for each row of the kernel.
struct Windows { a: mat3x3<f32>, b: mat3x3<f32>, c: mat3x3<f32>, d: mat3x3<f32> }

// A channel of dy in a row: its plane of four, and which.
struct Place { row: u32, w: u32, lane: u32 }

fn load(start: u32, h: u32, w: u32) -> f32 {
    let inside = (h < H_IN) & (w < W_IN); // below 0 wraps round
    return select(0.0, x[select(0u, start + (h * W_IN + w) * 4u, inside)], inside);
}

// The columns that the window left of the first one shares with it.
fn before(start: u32, h: u32) -> vec3<f32> {
    if STRIDE == 1u {
        return vec3<f32>(0.0, load(start, h, 0u - PAD), load(start, h, 1u - PAD));
    }
    return vec3<f32>(0.0, 0.0, load(start, h, 0u - PAD));
}

// The next window's row, whose last column is w.
fn slide(row: vec3<f32>, start: u32, h: u32, w: u32) -> vec3<f32> {
    if STRIDE == 1u {
        return vec3<f32>(row.yz, load(start, h, w));
    }
    if STRIDE == 2u {
        return vec3<f32>(row.z, load(start, h, w - 1u), load(start, h, w));
    }
    return vec3<f32>(load(start, h, w - 2u), load(start, h, w - 1u), load(start, h, w));
}

fn next(v: mat3x3<f32>, start: u32, h: u32, w: u32) -> mat3x3<f32> {
    let last = w * STRIDE + 2u - PAD;
    return mat3x3<f32>(
        slide(v[0], start, h, last), slide(v[1], start, h + 1u, last), slide(v[2], start, h + 2u, last),
    );
}

fn next_four(v: mat3x3<f32>, start: u32, h: u32, w: u32) -> Windows {
    let a = next(v, start, h, w);
    let b = next(a, start, h, w + 1u);
    let c = next(b, start, h, w + 2u);
    return Windows(a, b, c, next(c, start, h, w + 3u));
}

// The whole group is loaded: its other channels come next.
fn gradient(at: Place, column: u32) -> f32 {
    let w = at.w + column;
    let inside = (W_OUT % 4u == 0u) | (w < W_OUT);
    let group = dy[select(0u, at.row + w, inside)];
    return select(0.0, group[at.lane], inside);
}

fn add_four(v: Windows, at: Place, sums: mat3x3<f32>) -> mat3x3<f32> {
    var s = add(v.a, gradient(at, 0u), sums);
    s = add(v.b, gradient(at, 1u), s);
    s = add(v.c, gradient(at, 2u), s);
    return add(v.d, gradient(at, 3u), s);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let c = group.x * WORKGROUP + local.x;
    if c >= C_IN {
        return;
    }
    let k = group.y * 2u;
    var s = Eight();
    let end = min((group.z + 1u) * params.rows, params.batch * H_OUT);
    for (var row = group.z * params.rows; row < end; row++) {
        let n = row / H_OUT;
        let h = row % H_OUT * STRIDE - PAD;
        let start = (n * C_IN4 + c / 4u) * H_IN * W_IN * 4u + c % 4u;
        let first = ((n * C_OUT4 + k) * H_OUT + row % H_OUT) * W_OUT;
        let other = first + u32(k + 1u < C_OUT4) * H_OUT * W_OUT;
        var last = mat3x3<f32>(before(start, h), before(start, h + 1u), before(start, h + 2u));
        for (var w = 0u; w < W_OUT; w += 4u) {
            let v = next_four(last, start, h, w);
            last = v.d;
            s.s0 = add_four(v, Place(first, w, 0u), s.s0);
            s.s1 = add_four(v, Place(first, w, 1u), s.s1);
            s.s2 = add_four(v, Place(first, w, 2u), s.s2);
            s.s3 = add_four(v, Place(first, w, 3u), s.s3);
            s.s4 = add_four(v, Place(other, w, 0u), s.s4);
            s.s5 = add_four(v, Place(other, w, 1u), s.s5);
            s.s6 = add_four(v, Place(other, w, 2u), s.s6);
            s.s7 = add_four(v, Place(other, w, 3u), s.s7);
        }
    }
    store_eight(group.z, c, k, s);
}
