// F(4x4,3x3) of Winograd's minimal filtering (Lavin, Gray 2016) for 3x3, stride 1, padding 1: y = At (sum of U * V) A, where
// V = Bt x B of 6x6 pixels, at the points 0, 1/2, -1/2, 3/2, -3/2 and infinity: 36 multiply-adds a channel for 16 pixels
// instead of 144. Made for drivers that run on the CPU: an invocation owns a tile of 4x4 pixels x 16 channels, two channels
// are summed at a time, and their U lie in workgroup memory, where a load at the same place for all is a broadcast that
// needs no check of the buffer's length. The kernel's file gives PLANES (groups that are summed over), OWN (groups that come
// out), load(place, two channels), and store.
// U: blocks of 16 own channels, PLANES*4, 36, 16 (conv/winograd_weights)
const PLANE = H_IN * W_IN;
const TILES_W = (W_IN + 3u) / 4u;
const TILES_H = (H_IN + 3u) / 4u;
const POINTS = 36u;
const STEP = 2u * POINTS * 4u; // groups of four U that two channels need
var<workgroup> filters: array<vec4<f32>, STEP>;

struct Place { pixel: u32, inside: bool }

struct Places { a: Place, b: Place, c: Place, d: Place, e: Place, f: Place }

struct Six { a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>, e: vec2<f32>, f: vec2<f32> }

// A row of points, each with its sums for 16 channels.
struct Line { a: mat4x4<f32>, b: mat4x4<f32>, c: mat4x4<f32>, d: mat4x4<f32>, e: mat4x4<f32>, f: mat4x4<f32> }

struct Quad { a: mat4x4<f32>, b: mat4x4<f32>, c: mat4x4<f32>, d: mat4x4<f32> }

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

// Bt times a row or column of pixels.
fn spread(x: Six) -> Six {
    let even = fma(vec2<f32>(-2.25), x.c, x.e);
    let odd = 0.5 * fma(vec2<f32>(-2.25), x.b, x.d);
    let far_even = fma(vec2<f32>(-0.25), x.c, x.e);
    let far_odd = 1.5 * fma(vec2<f32>(-0.25), x.b, x.d);
    return Six(
        fma(vec2<f32>(0.5625), x.a, fma(vec2<f32>(-2.5), x.c, x.e)),
        even + odd, even - odd, far_even + far_odd, far_even - far_odd,
        fma(vec2<f32>(0.5625), x.b, fma(vec2<f32>(-2.5), x.d, x.f)),
    );
}

fn spread_row(p: Places, c: u32) -> Six {
    return spread(Six(load(p.a, c), load(p.b, c), load(p.c, c), load(p.d, c), load(p.e, c), load(p.f, c)));
}

// At times a row or column of points.
fn gather(m: Line) -> Quad {
    let even = m.b + m.c;
    let odd = m.b - m.c;
    let far_even = m.d + m.e;
    let far_odd = m.d - m.e;
    return Quad(
        (m.a + even) + far_even,
        0.5 * odd + 1.5 * far_odd,
        0.25 * even + 2.25 * far_even,
        (0.125 * odd + m.f) + 3.375 * far_odd,
    );
}

fn add(v: vec2<f32>, u: u32, sum: vec4<f32>) -> vec4<f32> {
    return fma(vec4<f32>(v.y), filters[u + POINTS * 4u], fma(vec4<f32>(v.x), filters[u], sum));
}

fn multiply(v: vec2<f32>, point: u32, sum: mat4x4<f32>) -> mat4x4<f32> {
    let u = point * 4u;
    return mat4x4<f32>(add(v, u, sum[0]), add(v, u + 1u, sum[1]), add(v, u + 2u, sum[2]), add(v, u + 3u, sum[3]));
}

fn multiply_line(v: Six, point: u32, sum: Line) -> Line {
    return Line(
        multiply(v.a, point, sum.a), multiply(v.b, point + 1u, sum.b), multiply(v.c, point + 2u, sum.c),
        multiply(v.d, point + 3u, sum.d), multiply(v.e, point + 4u, sum.e), multiply(v.f, point + 5u, sum.f),
    );
}

// Columns of a tile, rows in them; `real` is false behind the last image, where nothing may be stored.
struct Convolved { n: u32, h: u32, w: u32, k: u32, real: bool, a: Quad, b: Quad, c: Quad, d: Quad }

fn convolve_tile(tile: u32, block: u32, local: u32, batch: u32) -> Convolved {
    let image = tile / (TILES_W * TILES_H);
    let n = min(image, batch - 1u);
    let h = tile / TILES_W % TILES_H * 4u;
    let w = tile % TILES_W * 4u;
    let p0 = places(n, h - 1u, w);
    let p1 = places(n, h, w);
    let p2 = places(n, h + 1u, w);
    let p3 = places(n, h + 2u, w);
    let p4 = places(n, h + 3u, w);
    let p5 = places(n, h + 4u, w);
    var m0 = Line();
    var m1 = Line();
    var m2 = Line();
    var m3 = Line();
    var m4 = Line();
    var m5 = Line();
    for (var c = 0u; c < PLANES * 2u; c++) {
        workgroupBarrier();
        for (var i = local; i < STEP; i += WORKGROUP) {
            filters[i] = four(weight[(block * PLANES * 2u + c) * STEP + i]);
        }
        workgroupBarrier();
        let x0 = spread_row(p0, c);
        let x1 = spread_row(p1, c);
        let x2 = spread_row(p2, c);
        let x3 = spread_row(p3, c);
        let x4 = spread_row(p4, c);
        let x5 = spread_row(p5, c);
        let a = spread(Six(x0.a, x1.a, x2.a, x3.a, x4.a, x5.a));
        let b = spread(Six(x0.b, x1.b, x2.b, x3.b, x4.b, x5.b));
        let c_ = spread(Six(x0.c, x1.c, x2.c, x3.c, x4.c, x5.c));
        let d = spread(Six(x0.d, x1.d, x2.d, x3.d, x4.d, x5.d));
        let e = spread(Six(x0.e, x1.e, x2.e, x3.e, x4.e, x5.e));
        let f = spread(Six(x0.f, x1.f, x2.f, x3.f, x4.f, x5.f));
        m0 = multiply_line(Six(a.a, b.a, c_.a, d.a, e.a, f.a), 0u, m0);
        m1 = multiply_line(Six(a.b, b.b, c_.b, d.b, e.b, f.b), 6u, m1);
        m2 = multiply_line(Six(a.c, b.c, c_.c, d.c, e.c, f.c), 12u, m2);
        m3 = multiply_line(Six(a.d, b.d, c_.d, d.d, e.d, f.d), 18u, m3);
        m4 = multiply_line(Six(a.e, b.e, c_.e, d.e, e.e, f.e), 24u, m4);
        m5 = multiply_line(Six(a.f, b.f, c_.f, d.f, e.f, f.f), 30u, m5);
    }
    let r0 = gather(m0);
    let r1 = gather(m1);
    let r2 = gather(m2);
    let r3 = gather(m3);
    let r4 = gather(m4);
    let r5 = gather(m5);
    return Convolved(
        n, h, w, block * 4u, image < batch,
        gather(Line(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a)),
        gather(Line(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b)),
        gather(Line(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c)),
        gather(Line(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d)),
    );
}

fn store_groups(n: u32, h: u32, w: u32, k: u32, v: mat4x4<f32>) {
    if h < H_IN && w < W_IN {
        store(n, h, w, k, v[0]);
        store(n, h, w, k + 1u, v[1]);
        store(n, h, w, k + 2u, v[2]);
        store(n, h, w, k + 3u, v[3]);
    }
}

fn store_column(t: Convolved, w: u32, v: Quad) {
    store_groups(t.n, t.h, w, t.k, v.a);
    store_groups(t.n, t.h + 1u, w, t.k, v.b);
    store_groups(t.n, t.h + 2u, w, t.k, v.c);
    store_groups(t.n, t.h + 3u, w, t.k, v.d);
}

fn store_tile(t: Convolved) {
    if t.real {
        store_column(t, t.w, t.a);
        store_column(t, t.w + 1u, t.b);
        store_column(t, t.w + 2u, t.c);
        store_column(t, t.w + 3u, t.d);
    }
}
