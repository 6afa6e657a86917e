// 3x3, stride 1, padding 1, through workgroup memory: REGIONS regions of 8x8 pixels with their halo are loaded once and serve
// all nine taps; an invocation owns 2x4 pixels x 8 channels. The kernel's file gives PLANES (groups that are summed over), OWN
// (groups that come out), load(at), weight_row(tap, c, j, k) (0 from group k = OWN on) and store.
// WORKGROUP = REGIONS * 8 * TILE_N4 / 2, at least REGIONS * 8.
const PLANE = H_IN * W_IN;
const REGIONS_H = (H_IN + 7u) / 8u;
const REGIONS_W = (W_IN + 7u) / 8u;
const LANES = REGIONS * 8u; // invocations along the pixels: four across, the regions, two down
const LANES_N = TILE_N4 / 2u;
const PATCH = 101u; // 10x10 pixels; odd, so that eight neighbouring lanes read from all banks
const OUTSIDE = 0xffffffffu;

var<workgroup> place_of: array<u32, REGIONS * 100u>; // where the patches' pixels lie in group 0
var<workgroup> patches: array<vec4<f32>, REGIONS * PATCH>;
var<workgroup> taps: array<vec4<f32>, 36u * TILE_N4>; // tap, channel, own group

struct Tile { r0: mat2x4<f32>, r1: mat2x4<f32>, r2: mat2x4<f32>, r3: mat2x4<f32> } // a column is a pixel

struct Made { first: Tile, second: Tile }

// First pixel of a region: image, row, column.
fn region_origin(region: u32) -> vec3<u32> {
    return vec3<u32>(
        region / (REGIONS_W * REGIONS_H), region / REGIONS_W % REGIONS_H * 8u, region % REGIONS_W * 8u,
    );
}

fn find_places(first: u32, batch: u32, local: u32) {
    for (var i = local; i < REGIONS * 100u; i += WORKGROUP) {
        let o = region_origin(first + i / 100u);
        let h = o.y + i / 10u % 10u - 1u; // below 0 wraps round
        let w = o.z + i % 10u - 1u;
        let inside = o.x < batch && h < H_IN && w < W_IN;
        place_of[i] = select(OUTSIDE, o.x * PLANES * PLANE + h * W_IN + w, inside);
    }
}

fn fill(c: u32, k: u32, local: u32) {
    for (var i = local; i < REGIONS * 100u; i += WORKGROUP) {
        let at = place_of[i];
        let inside = at != OUTSIDE;
        patches[i / 100u * PATCH + i % 100u] = select(vec4<f32>(), load(select(0u, at + c * PLANE, inside)), inside);
    }
    for (var i = local; i < 36u * TILE_N4; i += WORKGROUP) {
        taps[i] = weight_row(i / (4u * TILE_N4), c, i / TILE_N4 % 4u, k + i % TILE_N4);
    }
}

fn multiply(v: vec4<f32>, w: mat4x4<f32>, sum: vec4<f32>) -> vec4<f32> {
    var result = fma(vec4<f32>(v.x), w[0], sum);
    result = fma(vec4<f32>(v.y), w[1], result);
    result = fma(vec4<f32>(v.z), w[2], result);
    return fma(vec4<f32>(v.w), w[3], result);
}

fn multiply_pair(v: mat2x4<f32>, w: mat4x4<f32>, sum: mat2x4<f32>) -> mat2x4<f32> {
    return mat2x4<f32>(multiply(v[0], w, sum[0]), multiply(v[1], w, sum[1]));
}

fn pair(at: u32) -> mat2x4<f32> {
    return mat2x4<f32>(patches[at], patches[at + 1u]);
}

fn tap(t: u32, n: u32) -> mat4x4<f32> {
    let at = t * 4u * TILE_N4 + n;
    return mat4x4<f32>(taps[at], taps[at + TILE_N4], taps[at + 2u * TILE_N4], taps[at + 3u * TILE_N4]);
}

fn add_tap(a: mat2x4<f32>, b: mat2x4<f32>, c: mat2x4<f32>, d: mat2x4<f32>, w: mat4x4<f32>, t: Tile) -> Tile {
    return Tile(
        multiply_pair(a, w, t.r0), multiply_pair(b, w, t.r1), multiply_pair(c, w, t.r2), multiply_pair(d, w, t.r3),
    );
}

// All taps of one column of the kernel: six rows of pixels serve three taps.
fn add_column(s: u32, at: u32, n: u32, sum: Made) -> Made {
    let a = pair(at + s);
    let b = pair(at + s + 10u);
    let c = pair(at + s + 20u);
    let d = pair(at + s + 30u);
    let e = pair(at + s + 40u);
    let f = pair(at + s + 50u);
    var m = sum;
    m.first = add_tap(a, b, c, d, tap(s, n), m.first);
    m.first = add_tap(b, c, d, e, tap(s + 3u, n), m.first);
    m.first = add_tap(c, d, e, f, tap(s + 6u, n), m.first);
    m.second = add_tap(a, b, c, d, tap(s, n + LANES_N), m.second);
    m.second = add_tap(b, c, d, e, tap(s + 3u, n + LANES_N), m.second);
    m.second = add_tap(c, d, e, f, tap(s + 6u, n + LANES_N), m.second);
    return m;
}

// Region of the workgroup, row and column in it of an invocation's first pixel.
fn lane_place(local: u32) -> vec3<u32> {
    return vec3<u32>(local / 4u % REGIONS, local / (4u * REGIONS) % 2u * 4u, local % 4u * 2u);
}

// Regions `first` ... first + REGIONS - 1, own groups k ... k + TILE_N4 - 1; every invocation must call it.
fn convolve(first: u32, k: u32, batch: u32, local: u32) -> Made {
    find_places(first, batch, local);
    let lane = lane_place(local);
    let at = lane.x * PATCH + lane.y * 10u + lane.z;
    var made = Made();
    for (var c = 0u; c < PLANES; c++) {
        workgroupBarrier();
        fill(c, k, local);
        workgroupBarrier();
        made = add_column(0u, at, local / LANES, made);
        made = add_column(1u, at, local / LANES, made);
        made = add_column(2u, at, local / LANES, made);
    }
    return made;
}

fn store_tile(first: u32, batch: u32, local: u32, k: u32, t: Tile) {
    let lane = lane_place(local);
    let o = region_origin(first + lane.x);
    if o.x < batch && k < OWN {
        let h = o.y + lane.y;
        let w = o.z + lane.z;
        store_pair(o.x, h, w, k, t.r0);
        store_pair(o.x, h + 1u, w, k, t.r1);
        store_pair(o.x, h + 2u, w, k, t.r2);
        store_pair(o.x, h + 3u, w, k, t.r3);
    }
}

fn store_pair(n: u32, h: u32, w: u32, k: u32, v: mat2x4<f32>) {
    let at = ((n * OWN + k) * H_IN + h) * W_IN + w;
    if h < H_IN && w < W_IN {
        store(at, v[0]);
    }
    if h < H_IN && w + 1u < W_IN {
        store(at + 1u, v[1]);
    }
}
