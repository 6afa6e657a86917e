// As conv/weight_gradient_direct for STRIDE 1 and PAD 1, by Winograd's F(3x3,4x4) (lib/winograd4_gradient); what changed: a quarter
// of the multiply-adds, for drivers that run on the CPU. An invocation owns one output channel x 16 input channels, each with
// sums at 36 points, and takes two tiles of 4x4 pixels at a time. Its channel's pixels of dy it transforms itself; the points of
// x, which the whole workgroup reads, lie in workgroup memory, where a load at the same place for all is a broadcast.
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_IN,W_IN,4  partial: splits,stride (3,3,C_IN4*4,C_OUT4*4)
// Workgroups: x over output channels, y over blocks of 16 input channels, z over splits: a split is a run of pairs of tiles.
struct Params { batch: u32, pairs: u32, stride: u32, pad0: u32 } // pairs a split; words a split
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const C_IN = C_IN4 * 4u;
const C_OUT = C_OUT4 * 4u;
const TILES_W = (W_IN + 3u) / 4u;
const TILES = TILES_W * ((H_IN + 3u) / 4u); // of an image
const PAIRS = (TILES + 1u) / 2u;

// A channel's plane: its first word, and whether there is such a channel.
struct Plane { start: u32, real: bool }

struct Place { word: u32, inside: bool }

fn plane(n: u32, groups: u32, c: u32) -> Plane {
    return Plane((n * groups + c / 4u) * H_IN * W_IN * 4u + c % 4u, c < groups * 4u);
}

// Of the pixel in row h and column w; below 0 wraps round.
fn place(own: Plane, h: u32, w: u32) -> Place {
    let inside = own.real & (h < H_IN) & (w < W_IN);
    return Place(select(0u, own.start + (h * W_IN + w) * 4u, inside), inside);
}

fn pixel(own: Plane, h: u32, w: u32) -> f32 {
    let p = place(own, h, w);
    return select(0.0, x[p.word], p.inside);
}

fn spread_row(own: Plane, h: u32, w: u32) -> Six {
    return spread(Six(
        pixel(own, h, w), pixel(own, h, w + 1u), pixel(own, h, w + 2u),
        pixel(own, h, w + 3u), pixel(own, h, w + 4u), pixel(own, h, w + 5u),
    ));
}

fn leave_column(at: u32, v: Six) {
    points[at] = v.a;
    points[at + 6u * BLOCK] = v.b;
    points[at + 12u * BLOCK] = v.c;
    points[at + 18u * BLOCK] = v.d;
    points[at + 24u * BLOCK] = v.e;
    points[at + 30u * BLOCK] = v.f;
}

// The points of a tile of x: 36, BLOCK.
fn leave_points(own: Plane, tile: u32, at: u32) {
    let h = tile / TILES_W * 4u - 1u;
    let w = tile % TILES_W * 4u - 1u;
    let r0 = spread_row(own, h, w);
    let r1 = spread_row(own, h + 1u, w);
    let r2 = spread_row(own, h + 2u, w);
    let r3 = spread_row(own, h + 3u, w);
    let r4 = spread_row(own, h + 4u, w);
    let r5 = spread_row(own, h + 5u, w);
    leave_column(at, spread(Six(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a)));
    leave_column(at + BLOCK, spread(Six(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b)));
    leave_column(at + 2u * BLOCK, spread(Six(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c)));
    leave_column(at + 3u * BLOCK, spread(Six(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d)));
    leave_column(at + 4u * BLOCK, spread(Six(r0.e, r1.e, r2.e, r3.e, r4.e, r5.e)));
    leave_column(at + 5u * BLOCK, spread(Six(r0.f, r1.f, r2.f, r3.f, r4.f, r5.f)));
}

fn gradient(own: Plane, h: u32, w: u32) -> f32 {
    let p = place(own, h, w);
    return select(0.0, dy[p.word], p.inside);
}

// Of two tiles.
fn gradients(own: Plane, h: vec2<u32>, w: vec2<u32>) -> vec2<f32> {
    return vec2<f32>(gradient(own, h.x, w.x), gradient(own, h.y, w.y));
}

fn evaluate_row(own: Plane, h: vec2<u32>, w: vec2<u32>) -> Pair {
    return evaluate(
        gradients(own, h, w), gradients(own, h, w + 1u), gradients(own, h, w + 2u), gradients(own, h, w + 3u),
    );
}

// Input channels c to c + 15.
fn store(split: u32, c: u32, k: u32, tap: u32, v: mat4x4<f32>) {
    for (var i = 0u; i < BLOCK; i++) {
        if c + i < C_IN && k < C_OUT {
            partial[split * params.stride + (tap * C_IN + c + i) * C_OUT + k] = v[i / 4u][i % 4u];
        }
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let k = group.x * WORKGROUP + local.x;
    let c = group.y * BLOCK;
    var m0 = Line();
    var m1 = Line();
    var m2 = Line();
    var m3 = Line();
    var m4 = Line();
    var m5 = Line();
    let end = min((group.z + 1u) * params.pairs, params.batch * PAIRS);
    for (var pair = group.z * params.pairs; pair < end; pair++) {
        let n = pair / PAIRS;
        let first = pair % PAIRS * 2u;
        workgroupBarrier();
        for (var i = local.x; i < 2u * BLOCK; i += WORKGROUP) {
            let tile = first + i / BLOCK; // behind the last one dy is 0
            leave_points(plane(n, C_IN4, c + i % BLOCK), tile, i / BLOCK * TILE + i % BLOCK);
        }
        workgroupBarrier();
        let own = plane(n, C_OUT4, k);
        let tile = vec2<u32>(first, first + 1u);
        let h = tile / TILES_W * 4u;
        let w = tile % TILES_W * 4u;
        let r0 = evaluate_row(own, h, w);
        let r1 = evaluate_row(own, h + 1u, w);
        let r2 = evaluate_row(own, h + 2u, w);
        let r3 = evaluate_row(own, h + 3u, w);
        let a = evaluate(r0.a, r1.a, r2.a, r3.a);
        let b = evaluate(r0.b, r1.b, r2.b, r3.b);
        let c_ = evaluate(r0.c, r1.c, r2.c, r3.c);
        let d = evaluate(r0.d, r1.d, r2.d, r3.d);
        let e = evaluate(r0.e, r1.e, r2.e, r3.e);
        let f = evaluate(r0.f, r1.f, r2.f, r3.f);
        m0 = multiply_line(Pair(a.a, b.a, c_.a, d.a, e.a, f.a), 0u, m0);
        m1 = multiply_line(Pair(a.b, b.b, c_.b, d.b, e.b, f.b), 6u, m1);
        m2 = multiply_line(Pair(a.c, b.c, c_.c, d.c, e.c, f.c), 12u, m2);
        m3 = multiply_line(Pair(a.d, b.d, c_.d, d.d, e.d, f.d), 18u, m3);
        m4 = multiply_line(Pair(a.e, b.e, c_.e, d.e, e.e, f.e), 24u, m4);
        m5 = multiply_line(Pair(a.f, b.f, c_.f, d.f, e.f, f.f), 30u, m5);
    }
    let r0 = gather(m0);
    let r1 = gather(m1);
    let r2 = gather(m2);
    let r3 = gather(m3);
    let r4 = gather(m4);
    let r5 = gather(m5);
    let left = gather(Line(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a));
    let middle = gather(Line(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b));
    let right = gather(Line(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c));
    store(group.z, c, k, 0u, left.a);
    store(group.z, c, k, 1u, middle.a);
    store(group.z, c, k, 2u, right.a);
    store(group.z, c, k, 3u, left.b);
    store(group.z, c, k, 4u, middle.b);
    store(group.z, c, k, 5u, right.b);
    store(group.z, c, k, 6u, left.c);
    store(group.z, c, k, 7u, middle.c);
    store(group.z, c, k, 8u, right.c);
}
