// As conv/weight_gradient_naive for KERNEL 3 and STRIDE 1; what changed: a region of 8x8 output pixels and the input pixels that
// it needs go through workgroup memory, loaded once for all nine taps; an invocation owns one input channel x 9 taps x 4 output
// channels of two rows of the region in registers: four loads of x and two of dy serve 72 multiply-adds; four invocations join
// at the end.
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_OUT,W_OUT,4  partial: splits,stride (3,3,C_IN4*4,C_OUT4*4)
// Workgroups: x over blocks of TILE_M4 input groups, y over blocks of TILE_N4 output groups, z over splits: runs of regions.
// WORKGROUP = TILE_M4 * 4 * TILE_N4 * 4
struct Params { batch: u32, regions: u32, stride: u32, pad0: u32 } // regions a split; words a split
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const REGIONS_H = (H_OUT + 7u) / 8u;
const REGIONS_W = (W_OUT + 7u) / 8u;
const CHANNELS = TILE_M4 * 4u;
const LANES = CHANNELS * TILE_N4;
const PATCH = 101u; // 10x10 pixels; odd, so that neighbouring groups lie in different banks

var<workgroup> tile_x: array<vec4<f32>, TILE_M4 * PATCH>; // input group, pixel
var<workgroup> tile_dy: array<vec4<f32>, TILE_N4 * 64u>; // output group, pixel
var<workgroup> joined: array<vec4<f32>, WORKGROUP>;

struct Sums {
    s0: vec4<f32>, s1: vec4<f32>, s2: vec4<f32>,
    s3: vec4<f32>, s4: vec4<f32>, s5: vec4<f32>,
    s6: vec4<f32>, s7: vec4<f32>, s8: vec4<f32>,
}

fn fill(region: u32, c: u32, k: u32, local: u32) {
    let n = region / (REGIONS_W * REGIONS_H);
    let h = region / REGIONS_W % REGIONS_H * 8u;
    let w = region % REGIONS_W * 8u;
    for (var i = local; i < TILE_M4 * 100u; i += WORKGROUP) {
        let group = c + i / 100u;
        let row = h + i / 10u % 10u - PAD; // below 0 wraps round
        let column = w + i % 10u - PAD;
        let inside = row < H_IN && column < W_IN && group < C_IN4;
        let at = select(0u, ((n * C_IN4 + group) * H_IN + row) * W_IN + column, inside);
        tile_x[i / 100u * PATCH + i % 100u] = select(vec4<f32>(), x[at], inside);
    }
    for (var i = local; i < TILE_N4 * 64u; i += WORKGROUP) {
        let group = k + i / 64u;
        let row = h + i / 8u % 8u;
        let column = w + i % 8u;
        let inside = row < H_OUT && column < W_OUT && group < C_OUT4;
        let at = select(0u, ((n * C_OUT4 + group) * H_OUT + row) * W_OUT + column, inside);
        tile_dy[i] = select(vec4<f32>(), dy[at], inside);
    }
}

// Four pixels below one another of one channel.
fn column(at: u32, lane: u32) -> vec4<f32> {
    return vec4<f32>(tile_x[at][lane], tile_x[at + 10u][lane], tile_x[at + 20u][lane], tile_x[at + 30u][lane]);
}

// Columns a, b, c of pixels; g and d are the gradients of two pixels below one another.
fn add(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, g: vec4<f32>, d: vec4<f32>, s: Sums) -> Sums {
    return Sums(
        fma(vec4<f32>(a.y), d, fma(vec4<f32>(a.x), g, s.s0)),
        fma(vec4<f32>(b.y), d, fma(vec4<f32>(b.x), g, s.s1)),
        fma(vec4<f32>(c.y), d, fma(vec4<f32>(c.x), g, s.s2)),
        fma(vec4<f32>(a.z), d, fma(vec4<f32>(a.y), g, s.s3)),
        fma(vec4<f32>(b.z), d, fma(vec4<f32>(b.y), g, s.s4)),
        fma(vec4<f32>(c.z), d, fma(vec4<f32>(c.y), g, s.s5)),
        fma(vec4<f32>(a.w), d, fma(vec4<f32>(a.z), g, s.s6)),
        fma(vec4<f32>(b.w), d, fma(vec4<f32>(b.z), g, s.s7)),
        fma(vec4<f32>(c.w), d, fma(vec4<f32>(c.z), g, s.s8)),
    );
}

// Adds up a tap of the four invocations that own it, and stores it at `at`.
fn join(at: u32, real: bool, local: u32, s: vec4<f32>) {
    joined[local] = s;
    workgroupBarrier();
    if local < LANES && real {
        partial[at] = (s + joined[local + LANES]) + (joined[local + 2u * LANES] + joined[local + 3u * LANES]);
    }
    workgroupBarrier(); // the next call writes again
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let channel = local.x % CHANNELS;
    let n = local.x / CHANNELS % TILE_N4;
    let rows = local.x / LANES * 2u;
    let from_x = channel / 4u * PATCH + rows * 10u;
    let from_dy = n * 64u + rows * 8u;
    let lane = channel % 4u;
    var s = Sums();
    let end = min((group.z + 1u) * params.regions, params.batch * REGIONS_H * REGIONS_W);
    for (var region = group.z * params.regions; region < end; region++) {
        fill(region, group.x * TILE_M4, group.y * TILE_N4, local.x);
        workgroupBarrier();
        var a = column(from_x, lane);
        var b = column(from_x + 1u, lane);
        for (var i = 0u; i < 8u; i++) {
            let c = column(from_x + i + 2u, lane);
            s = add(a, b, c, tile_dy[from_dy + i], tile_dy[from_dy + i + 8u], s);
            a = b;
            b = c;
        }
        workgroupBarrier();
    }
    let c = group.x * CHANNELS + channel;
    let k = group.y * TILE_N4 + n;
    let real = c < C_IN4 * 4u && k < C_OUT4;
    let at = group.z * (params.stride / 4u) + c * C_OUT4 + k;
    const TAP = C_IN4 * 4u * C_OUT4;
    join(at, real, local.x, s.s0);
    join(at + TAP, real, local.x, s.s1);
    join(at + 2u * TAP, real, local.x, s.s2);
    join(at + 3u * TAP, real, local.x, s.s3);
    join(at + 4u * TAP, real, local.x, s.s4);
    join(at + 5u * TAP, real, local.x, s.s5);
    join(at + 6u * TAP, real, local.x, s.s6);
    join(at + 7u * TAP, real, local.x, s.s7);
    join(at + 8u * TAP, real, local.x, s.s8);
}
