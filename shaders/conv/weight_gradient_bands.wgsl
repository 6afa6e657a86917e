// As conv/weight_gradient_naive for KERNEL 3 and STRIDE 1; what changed: an invocation owns one input channel x 9 taps x 8
// output channels and walks along bands of eight rows, four columns at a time: 40 loads of x and 256 of dy (the same for the
// whole workgroup) serve 2,304 multiply-adds. It takes one output channel after another, so that nine sums stay in registers
// for 32 pixels, and ties the pixels to each other.
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_OUT,W_OUT,4  partial: splits,stride (3,3,C_IN4*4,C_OUT4*4)
// Workgroups: x over input channels, y over pairs of output groups, z over splits: a split is a run of bands.
struct Params { batch: u32, bands: u32, stride: u32, zero: u32 } // bands a split; words a split; 0
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const BANDS = (H_OUT + 7u) / 8u; // of an image
const WHOLE = H_OUT % 8u == 0u && W_OUT % 4u == 0u; // no pixel of a step lies outside

// Six neighbouring pixels of a row of x.
struct Row { start: u32, inside: bool, left: vec3<f32>, right: vec3<f32> }

struct Rows { r0: Row, r1: Row, r2: Row, r3: Row, r4: Row, r5: Row, r6: Row, r7: Row, r8: Row, r9: Row }

// A channel of dy: its plane of four, and which; the first pixel of a step.
struct Place { plane: u32, h: u32, w: u32, lane: u32 }

// Row h of x with the pixels left of column w = 0.
fn row_at(start: u32, h: u32) -> Row {
    let inside = h < H_IN; // below 0 wraps round
    let row = Row(start + select(0u, h * W_IN * 4u, inside), inside, vec3<f32>(), vec3<f32>());
    return Row(row.start, inside, vec3<f32>(), vec3<f32>(0.0, pixel(row, 0u - PAD), pixel(row, 1u - PAD)));
}

fn pixel(row: Row, column: u32) -> f32 {
    return select(0.0, x[row.start + 4u * min(column, W_IN - 1u)], row.inside & (column < W_IN));
}

// The next four columns.
fn slide(row: Row, w: u32) -> Row {
    let column = w + 2u - PAD;
    return Row(
        row.start, row.inside,
        vec3<f32>(row.right.yz, pixel(row, column)),
        vec3<f32>(pixel(row, column + 1u), pixel(row, column + 2u), pixel(row, column + 3u)),
    );
}

fn slide_all(x: Rows, w: u32) -> Rows {
    return Rows(
        slide(x.r0, w), slide(x.r1, w), slide(x.r2, w), slide(x.r3, w), slide(x.r4, w),
        slide(x.r5, w), slide(x.r6, w), slide(x.r7, w), slide(x.r8, w), slide(x.r9, w),
    );
}

// One output channel of dy. The whole group is loaded: its other channels come next.
fn gradient(plane: u32, h: u32, w: u32, lane: u32) -> f32 {
    let inside = WHOLE | ((h < H_OUT) & (w < W_OUT));
    let group = dy[select(0u, (plane * H_OUT + h) * W_OUT + w, inside)];
    return select(0.0, group[lane], inside);
}

// `value`, but not before the sums `after` are known (no bit of them is taken, for params.zero is 0). Drivers that run on the CPU
// have multiply and add apart: untied, LLVM multiplies for many pixels first and keeps the products on the stack.
fn tied(value: f32, after: vec3<f32>) -> f32 {
    let bits = (bitcast<u32>(after.x) | bitcast<u32>(after.y)) | bitcast<u32>(after.z);
    return bitcast<f32>(bitcast<u32>(value) | (bits & params.zero));
}

// Pixel `column` of the four in row h; which sums it waits for goes round.
fn add_pixel(v: mat3x3<f32>, place: Place, r: u32, column: u32, s: mat3x3<f32>) -> mat3x3<f32> {
    let g = gradient(place.plane, place.h + r, place.w + column, place.lane);
    return add(v, tied(g, s[(r + column) % 3u]), s);
}

// Along four columns of row h + r.
fn add_row(a: Row, b: Row, c: Row, place: Place, r: u32, sums: mat3x3<f32>) -> mat3x3<f32> {
    var s = add_pixel(mat3x3<f32>(a.left, b.left, c.left), place, r, 0u, sums);
    s = add_pixel(mat3x3<f32>(second(a), second(b), second(c)), place, r, 1u, s);
    s = add_pixel(mat3x3<f32>(third(a), third(b), third(c)), place, r, 2u, s);
    return add_pixel(mat3x3<f32>(a.right, b.right, c.right), place, r, 3u, s);
}

fn second(row: Row) -> vec3<f32> {
    return vec3<f32>(row.left.yz, row.right.x);
}

fn third(row: Row) -> vec3<f32> {
    return vec3<f32>(row.left.z, row.right.xy);
}

// One output channel's sums over eight rows and four columns.
fn add_band(x: Rows, at: Place, sums: mat3x3<f32>) -> mat3x3<f32> {
    var s = add_row(x.r0, x.r1, x.r2, at, 0u, sums);
    s = add_row(x.r1, x.r2, x.r3, at, 1u, s);
    s = add_row(x.r2, x.r3, x.r4, at, 2u, s);
    s = add_row(x.r3, x.r4, x.r5, at, 3u, s);
    s = add_row(x.r4, x.r5, x.r6, at, 4u, s);
    s = add_row(x.r5, x.r6, x.r7, at, 5u, s);
    s = add_row(x.r6, x.r7, x.r8, at, 6u, s);
    return add_row(x.r7, x.r8, x.r9, at, 7u, s);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let c = group.x * WORKGROUP + local.x;
    if c >= C_IN {
        return;
    }
    let k = group.y * 2u;
    var s = Eight();
    let end = min((group.z + 1u) * params.bands, params.batch * BANDS);
    for (var band = group.z * params.bands; band < end; band++) {
        let n = band / BANDS;
        let h = band % BANDS * 8u;
        let start = (n * C_IN4 + c / 4u) * H_IN * W_IN * 4u + c % 4u;
        let top = h - PAD;
        var rows = Rows(
            row_at(start, top), row_at(start, top + 1u), row_at(start, top + 2u), row_at(start, top + 3u),
            row_at(start, top + 4u), row_at(start, top + 5u), row_at(start, top + 6u), row_at(start, top + 7u),
            row_at(start, top + 8u), row_at(start, top + 9u),
        );
        let first = n * C_OUT4 + k;
        let other = first + u32(k + 1u < C_OUT4);
        for (var w = 0u; w < W_OUT; w += 4u) {
            rows = slide_all(rows, w);
            s.s0 = add_band(rows, Place(first, h, w, 0u), s.s0);
            s.s1 = add_band(rows, Place(first, h, w, 1u), s.s1);
            s.s2 = add_band(rows, Place(first, h, w, 2u), s.s2);
            s.s3 = add_band(rows, Place(first, h, w, 3u), s.s3);
            s.s4 = add_band(rows, Place(other, h, w, 0u), s.s4);
            s.s5 = add_band(rows, Place(other, h, w, 1u), s.s5);
            s.s6 = add_band(rows, Place(other, h, w, 2u), s.s6);
            s.s7 = add_band(rows, Place(other, h, w, 3u), s.s7);
        }
    }
    store_eight(group.z, c, k, s);
}
