// As conv/weight_gradient_naive, any shape; what changed: implicit GEMM through workgroup memory, with output pixels summed over
// and taps x input channels as rows: STEP pixels of TILE_M4 groups of rows and TILE_N4 output groups are loaded once; an invocation
// owns 8 rows x 8 output channels of every SUBS-th pixel in registers, and SUBS invocations join at the end.
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_OUT,W_OUT,4  partial: splits,stride (KERNEL,KERNEL,C_IN4*4,C_OUT4*4)
// Workgroups: x over blocks of TILE_M4 row groups, y over blocks of TILE_N4 output groups, z over splits: runs of output rows.
// WORKGROUP = TILE_M4 / 2 * TILE_N4 / 2 * SUBS: a multiple of STEP.
struct Params { batch: u32, rows: u32, stride: u32, pad0: u32 } // output rows a split; words a split
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const ROW_GROUPS = KERNEL * KERNEL * C_IN4;
const OUT_PIXELS = H_OUT * W_OUT;
const IN_PIXELS = H_IN * W_IN;
const PITCH = STEP + 1u; // odd, so that neighbouring rows lie in different banks
const LANES_M = TILE_M4 / 2u;
const LANES_N = TILE_N4 / 2u;
const LANES = LANES_M * LANES_N;
const SUBS = WORKGROUP / LANES;

var<workgroup> tile_x: array<vec4<f32>, TILE_M4 * PITCH>; // row group, pixel
var<workgroup> tile_dy: array<vec4<f32>, TILE_N4 * PITCH>; // output group, pixel
var<workgroup> joined: array<mat4x4<f32>, WORKGROUP>;

// rows x output channels: a column is a row of the weights
struct Sums { a: mat4x4<f32>, b: mat4x4<f32>, c: mat4x4<f32>, d: mat4x4<f32> }

fn outer(v: vec4<f32>, g: vec4<f32>, s: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        fma(vec4<f32>(v.x), g, s[0]), fma(vec4<f32>(v.y), g, s[1]), fma(vec4<f32>(v.z), g, s[2]), fma(vec4<f32>(v.w), g, s[3]),
    );
}

// A step's pixels: this invocation loads the same one of several groups.
fn fill(p: u32, end: u32, m: u32, k: u32, local: u32) {
    let n = p / OUT_PIXELS;
    let h = p / W_OUT % H_OUT * STRIDE - PAD; // below 0 wraps round
    let w = p % W_OUT * STRIDE - PAD;
    for (var i = local / STEP; i < TILE_M4; i += WORKGROUP / STEP) {
        let tap = (m + i) / C_IN4;
        let row = h + tap / KERNEL;
        let column = w + tap % KERNEL;
        let inside = p < end && row < H_IN && column < W_IN && m + i < ROW_GROUPS;
        let at = select(0u, (n * C_IN4 + (m + i) % C_IN4) * IN_PIXELS + row * W_IN + column, inside);
        tile_x[i * PITCH + local % STEP] = select(vec4<f32>(), x[at], inside);
    }
    for (var i = local / STEP; i < TILE_N4; i += WORKGROUP / STEP) {
        let inside = p < end && k + i < C_OUT4;
        let at = select(0u, (n * C_OUT4 + k + i) * OUT_PIXELS + p % OUT_PIXELS, inside);
        tile_dy[i * PITCH + local % STEP] = select(vec4<f32>(), dy[at], inside);
    }
}

// Adds up a block of all SUBS invocations that own it, and stores it.
fn join(m: u32, k: u32, split: u32, local: u32, s: mat4x4<f32>) {
    joined[local] = s;
    workgroupBarrier();
    if local < LANES && m < ROW_GROUPS && k < C_OUT4 {
        var sum = s;
        for (var sub = 1u; sub < SUBS; sub++) {
            sum += joined[local + sub * LANES];
        }
        let at = split * (params.stride / 4u) + 4u * m * C_OUT4 + k;
        partial[at] = sum[0];
        partial[at + C_OUT4] = sum[1];
        partial[at + 2u * C_OUT4] = sum[2];
        partial[at + 3u * C_OUT4] = sum[3];
    }
    workgroupBarrier(); // the next call writes again
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let m = local.x % LANES_M;
    let n = local.x / LANES_M % LANES_N;
    let all = params.batch * H_OUT;
    let first = min(group.z * params.rows, all) * W_OUT;
    let end = min((group.z + 1u) * params.rows, all) * W_OUT;
    var s = Sums();
    for (var p = first; p < end; p += STEP) {
        fill(p + local.x % STEP, end, group.x * TILE_M4, group.y * TILE_N4, local.x);
        workgroupBarrier();
        for (var i = local.x / LANES; i < STEP; i += SUBS) {
            let v0 = tile_x[m * PITCH + i];
            let v1 = tile_x[(m + LANES_M) * PITCH + i];
            let g0 = tile_dy[n * PITCH + i];
            let g1 = tile_dy[(n + LANES_N) * PITCH + i];
            s = Sums(outer(v0, g0, s.a), outer(v0, g1, s.b), outer(v1, g0, s.c), outer(v1, g1, s.d));
        }
        workgroupBarrier();
    }
    let row = group.x * TILE_M4 + m;
    let k = group.y * TILE_N4 + n;
    join(row, k, group.z, local.x, s.a);
    join(row, k + LANES_N, group.z, local.x, s.b);
    join(row + LANES_M, k, group.z, local.x, s.c);
    join(row + LANES_M, k + LANES_N, group.z, local.x, s.d);
}
