// Implicit GEMM through workgroup memory: a tile of TILE_M pixels x TILE_N4 groups of channels, of which an invocation owns 8
// pixels x 4 channels (8 with BLOCKS 2) in registers. Two groups that are summed over make a step; the next step's loads are
// under way while this one is multiplied, so one barrier a step is enough. The kernel's file gives Frame (with `k4`, the
// groups summed over), Spot, spot(frame, row), fetch(frame, spot, q) and weight_row(frame, q, j, k), both 0 from q = k4 on.
// WORKGROUP = TILE_M / 8 * TILE_N4 / BLOCKS: half of, as much as or twice TILE_M, and at least 8 * TILE_N4.
const LANES = TILE_M / 8u; // invocations along the pixels: neighbours hold neighbouring pixels
const LANES_N = TILE_N4 / BLOCKS;
const STEP = 2u;

var<workgroup> tile_a: array<vec4<f32>, 2u * STEP * TILE_M>; // half, group, pixel: as in memory, so no lane waits for a bank
var<workgroup> tile_b: array<vec4<f32>, 2u * STEP * 4u * TILE_N4>; // half, channel, own group

struct Tile { a: mat4x4<f32>, b: mat4x4<f32> } // a column is a pixel; they are LANES apart

struct Made { first: Tile, second: Tile }

struct Stage { a0: vec4<f32>, a1: vec4<f32>, a2: vec4<f32>, a3: vec4<f32>, b: vec4<f32> }

fn stage(f: Frame, s0: Spot, s1: Spot, local: u32, step: u32, k: u32) -> Stage {
    let q = step * STEP;
    var v = Stage();
    if WORKGROUP > TILE_M {
        v.a0 = fetch(f, s0, q + local / TILE_M);
    } else {
        v.a0 = fetch(f, s0, q);
        v.a1 = fetch(f, s0, q + 1u);
        if WORKGROUP < TILE_M {
            v.a2 = fetch(f, s1, q);
            v.a3 = fetch(f, s1, q + 1u);
        }
    }
    if local < STEP * 4u * TILE_N4 {
        v.b = weight_row(f, q + local / (4u * TILE_N4), local / TILE_N4 % 4u, k + local % TILE_N4);
    }
    return v;
}

fn keep(v: Stage, local: u32, half: u32) {
    let at = half * STEP * TILE_M + local;
    tile_a[at] = v.a0;
    if WORKGROUP <= TILE_M {
        tile_a[at + TILE_M] = v.a1;
    }
    if WORKGROUP < TILE_M {
        tile_a[at + WORKGROUP] = v.a2;
        tile_a[at + TILE_M + WORKGROUP] = v.a3;
    }
    if local < STEP * 4u * TILE_N4 {
        tile_b[half * STEP * 4u * TILE_N4 + local] = v.b;
    }
}

fn multiply(v: vec4<f32>, w: mat4x4<f32>, sum: vec4<f32>) -> vec4<f32> {
    var result = fma(vec4<f32>(v.x), w[0], sum);
    result = fma(vec4<f32>(v.y), w[1], result);
    result = fma(vec4<f32>(v.z), w[2], result);
    return fma(vec4<f32>(v.w), w[3], result);
}

fn multiply_tile(a: mat4x4<f32>, b: mat4x4<f32>, w: mat4x4<f32>, t: Tile) -> Tile {
    return Tile(
        mat4x4<f32>(
            multiply(a[0], w, t.a[0]), multiply(a[1], w, t.a[1]), multiply(a[2], w, t.a[2]), multiply(a[3], w, t.a[3]),
        ),
        mat4x4<f32>(
            multiply(b[0], w, t.b[0]), multiply(b[1], w, t.b[1]), multiply(b[2], w, t.b[2]), multiply(b[3], w, t.b[3]),
        ),
    );
}

fn weights_of(group: u32, n: u32) -> mat4x4<f32> {
    let at = group * 4u * TILE_N4 + n;
    return mat4x4<f32>(tile_b[at], tile_b[at + TILE_N4], tile_b[at + 2u * TILE_N4], tile_b[at + 3u * TILE_N4]);
}

fn multiply_group(group: u32, local: u32, sum: Made) -> Made {
    let p = group * TILE_M + local % LANES;
    let n = local / LANES;
    let a = mat4x4<f32>(tile_a[p], tile_a[p + LANES], tile_a[p + 2u * LANES], tile_a[p + 3u * LANES]);
    let b = mat4x4<f32>(
        tile_a[p + 4u * LANES], tile_a[p + 5u * LANES], tile_a[p + 6u * LANES], tile_a[p + 7u * LANES],
    );
    var made = sum;
    made.first = multiply_tile(a, b, weights_of(group, n), made.first);
    if BLOCKS == 2u {
        made.second = multiply_tile(a, b, weights_of(group, n + LANES_N), made.second);
    }
    return made;
}

// The products of rows `row` ... row + TILE_M - 1 with own groups k ... k + TILE_N4 - 1; every invocation must call it.
fn gemm(f: Frame, row: u32, k: u32, local: u32) -> Made {
    let s0 = spot(f, row + local % TILE_M);
    let s1 = spot(f, row + (local + WORKGROUP) % TILE_M);
    var made = Made();
    keep(stage(f, s0, s1, local, 0u, k), local, 0u);
    workgroupBarrier();
    let steps = (f.k4 + STEP - 1u) / STEP;
    for (var step = 0u; step < steps; step++) {
        let half = step % 2u;
        let next = stage(f, s0, s1, local, step + 1u, k);
        made = multiply_group(half * STEP, local, made);
        made = multiply_group(half * STEP + 1u, local, made);
        keep(next, local, 1u - half);
        workgroupBarrier();
    }
    return made;
}
