// 3x3, stride 1, padding 1, for a tile of 4x4 pixels x 4 channels (twice that with BLOCKS 2) in registers. The kernel's file
// gives PLANES (groups that are summed over), OWN (groups that come out), load(place, group), weights(tap, group, own group)
// and store. Invocations of a workgroup take neighbouring tiles and the same weights, so that a weight is one load for all
// of them: 36 loads of pixels serve 576 multiply-adds of four, or 1152.
const PLANE = H_IN * W_IN;

struct Place { pixel: u32, inside: bool }

struct Row { p0: vec4<f32>, p1: vec4<f32>, p2: vec4<f32>, p3: vec4<f32>, p4: vec4<f32>, p5: vec4<f32> }

struct Places { p0: Place, p1: Place, p2: Place, p3: Place, p4: Place, p5: Place }

struct Tile { r0: mat4x4<f32>, r1: mat4x4<f32>, r2: mat4x4<f32>, r3: mat4x4<f32> } // a column is a pixel

struct Taps { left: mat4x4<f32>, middle: mat4x4<f32>, right: mat4x4<f32> }

fn place(n: u32, h: u32, w: u32) -> Place {
    let inside = h < H_IN && w < W_IN; // below 0 wraps round
    return Place(select(0u, n * PLANES * PLANE + h * W_IN + w, inside), inside);
}

fn places(n: u32, h: u32, w: u32) -> Places {
    return Places(
        place(n, h, w - 1u), place(n, h, w), place(n, h, w + 1u),
        place(n, h, w + 2u), place(n, h, w + 3u), place(n, h, w + 4u),
    );
}

fn load_row(p: Places, c: u32) -> Row {
    return Row(load(p.p0, c), load(p.p1, c), load(p.p2, c), load(p.p3, c), load(p.p4, c), load(p.p5, c));
}

fn multiply(v: vec4<f32>, w: mat4x4<f32>, sum: vec4<f32>) -> vec4<f32> {
    var result = fma(vec4<f32>(v.x), w[0], sum);
    result = fma(vec4<f32>(v.y), w[1], result);
    result = fma(vec4<f32>(v.z), w[2], result);
    return fma(vec4<f32>(v.w), w[3], result);
}

fn multiply_row(x: Row, w: Taps, sum: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        multiply(x.p2, w.right, multiply(x.p1, w.middle, multiply(x.p0, w.left, sum[0]))),
        multiply(x.p3, w.right, multiply(x.p2, w.middle, multiply(x.p1, w.left, sum[1]))),
        multiply(x.p4, w.right, multiply(x.p3, w.middle, multiply(x.p2, w.left, sum[2]))),
        multiply(x.p5, w.right, multiply(x.p4, w.middle, multiply(x.p3, w.left, sum[3]))),
    );
}

fn taps(first: u32, c: u32, k: u32) -> Taps {
    return Taps(weights(first, c, k), weights(first + 1u, c, k), weights(first + 2u, c, k));
}

// The 6x6 pixels that a tile needs.
struct Patch { x0: Row, x1: Row, x2: Row, x3: Row, x4: Row, x5: Row }

fn accumulate(x: Patch, c: u32, k: u32, sum: Tile) -> Tile {
    var t = sum;
    let top = taps(0u, c, k);
    t.r0 = multiply_row(x.x0, top, t.r0);
    t.r1 = multiply_row(x.x1, top, t.r1);
    t.r2 = multiply_row(x.x2, top, t.r2);
    t.r3 = multiply_row(x.x3, top, t.r3);
    let middle = taps(3u, c, k);
    t.r0 = multiply_row(x.x1, middle, t.r0);
    t.r1 = multiply_row(x.x2, middle, t.r1);
    t.r2 = multiply_row(x.x3, middle, t.r2);
    t.r3 = multiply_row(x.x4, middle, t.r3);
    let bottom = taps(6u, c, k);
    t.r0 = multiply_row(x.x2, bottom, t.r0);
    t.r1 = multiply_row(x.x3, bottom, t.r1);
    t.r2 = multiply_row(x.x4, bottom, t.r2);
    t.r3 = multiply_row(x.x5, bottom, t.r3);
    return t;
}

fn store_tile(n: u32, h: u32, w: u32, k: u32, t: Tile) {
    for (var q = 0u; q < 4u; q++) {
        store(n, h, w + q, k, t.r0[q]);
        store(n, h + 1u, w + q, k, t.r1[q]);
        store(n, h + 2u, w + q, k, t.r2[q]);
        store(n, h + 3u, w + q, k, t.r3[q]);
    }
}

const TILES_W = (W_IN + 3u) / 4u;
const TILES_H = (H_IN + 3u) / 4u;

// The tile of this invocation: image, row and column of its first pixel.
fn tile_origin(tile: u32) -> vec3<u32> {
    return vec3<u32>(tile / (TILES_W * TILES_H), tile / TILES_W % TILES_H * 4u, tile % TILES_W * 4u);
}

// One tile of up to two groups of own channels; `real` is false behind the last image, where nothing may be stored.
struct Convolved { n: u32, h: u32, w: u32, k: u32, real: bool, first: Tile, second: Tile }

fn convolve_tile(tile: u32, block: u32, batch: u32) -> Convolved {
    let at = tile_origin(tile);
    let n = min(at.x, batch - 1u);
    let p0 = places(n, at.y - 1u, at.z);
    let p1 = places(n, at.y, at.z);
    let p2 = places(n, at.y + 1u, at.z);
    let p3 = places(n, at.y + 2u, at.z);
    let p4 = places(n, at.y + 3u, at.z);
    let p5 = places(n, at.y + 4u, at.z);
    let k = block * BLOCKS;
    let other = min(k + 1u, OWN - 1u);
    var first = Tile();
    var second = Tile();
    for (var c = 0u; c < PLANES; c++) {
        let x = Patch(
            load_row(p0, c), load_row(p1, c), load_row(p2, c), load_row(p3, c), load_row(p4, c), load_row(p5, c),
        );
        first = accumulate(x, c, k, first);
        if BLOCKS == 2u {
            second = accumulate(x, c, other, second);
        }
    }
    return Convolved(n, at.y, at.z, k, at.x < batch, first, second);
}

fn store_blocks(v: Convolved) {
    if !v.real {
        return;
    }
    store_tile(v.n, v.h, v.w, v.k, v.first);
    if BLOCKS == 2u && v.k + 1u < OWN {
        store_tile(v.n, v.h, v.w, v.k + 1u, v.second);
    }
}
