// 3x3, stride 1, padding 1, for a tile of 4x4 pixels x 4 channels in registers. The kernel's file gives
// PLANES, load(place, group) and weights(tap, group, own group). Invocations of a workgroup take neighbouring tiles and the same
// weights, so that a weight is one load for all of them: 36 loads of pixels serve 576 multiply-adds of four.
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

fn convolve_tile(n: u32, h: u32, w: u32, groups: u32, k: u32) -> Tile {
    let p0 = places(n, h - 1u, w);
    let p1 = places(n, h, w);
    let p2 = places(n, h + 1u, w);
    let p3 = places(n, h + 2u, w);
    let p4 = places(n, h + 3u, w);
    let p5 = places(n, h + 4u, w);
    var t = Tile();
    for (var c = 0u; c < groups; c++) {
        let x0 = load_row(p0, c);
        let x1 = load_row(p1, c);
        let x2 = load_row(p2, c);
        let x3 = load_row(p3, c);
        let x4 = load_row(p4, c);
        let x5 = load_row(p5, c);
        let top = taps(0u, c, k);
        t.r0 = multiply_row(x0, top, t.r0);
        t.r1 = multiply_row(x1, top, t.r1);
        t.r2 = multiply_row(x2, top, t.r2);
        t.r3 = multiply_row(x3, top, t.r3);
        let middle = taps(3u, c, k);
        t.r0 = multiply_row(x1, middle, t.r0);
        t.r1 = multiply_row(x2, middle, t.r1);
        t.r2 = multiply_row(x3, middle, t.r2);
        t.r3 = multiply_row(x4, middle, t.r3);
        let bottom = taps(6u, c, k);
        t.r0 = multiply_row(x2, bottom, t.r0);
        t.r1 = multiply_row(x3, bottom, t.r1);
        t.r2 = multiply_row(x4, bottom, t.r2);
        t.r3 = multiply_row(x5, bottom, t.r3);
    }
    return t;
}

const TILES_W = (W_IN + 3u) / 4u;
const TILES_H = (H_IN + 3u) / 4u;

// The tile of this invocation: image, row and column of its first pixel.
fn tile_origin(tile: u32) -> vec3<u32> {
    return vec3<u32>(tile / (TILES_W * TILES_H), tile / TILES_W % TILES_H * 4u, tile % TILES_W * 4u);
}
