// As conv/weight_gradient_naive for KERNEL 3 and STRIDE 1; what changed: an invocation owns one input channel x 9 taps x 4
// output channels in registers and walks along bands of eight rows, so that ten loads of x and eight of dy (the same for the
// whole workgroup) serve 72 multiply-adds of four.
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_OUT,W_OUT,4  partial: splits,stride (3,3,C_IN4*4,C_OUT4*4)
// Workgroups: x over input channels, y over output groups, z over splits: a split is a run of bands.
struct Params { batch: u32, bands: u32, stride: u32, pad0: u32 } // bands a split; words a split
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const C_IN = C_IN4 * 4u;
const BANDS = (H_OUT + 7u) / 8u; // of an image

struct Sums {
    s0: vec4<f32>, s1: vec4<f32>, s2: vec4<f32>,
    s3: vec4<f32>, s4: vec4<f32>, s5: vec4<f32>,
    s6: vec4<f32>, s7: vec4<f32>, s8: vec4<f32>,
}

// Three neighbouring pixels of one channel.
struct Row { start: u32, inside: bool, v: vec3<f32> }

fn pixel(row: Row, column: u32) -> f32 {
    let inside = row.inside && column < W_IN; // below 0 wraps round
    return select(0.0, x[select(0u, row.start + 4u * column, inside)], inside);
}

fn row_at(plane: u32, lane: u32, h: u32) -> Row {
    var row = Row((plane * H_IN + h) * W_IN * 4u + lane, h < H_IN, vec3<f32>());
    row.v = vec3<f32>(0.0, pixel(row, 0u - PAD), pixel(row, 1u - PAD));
    return row;
}

fn slide(row: Row, column: u32) -> Row {
    return Row(row.start, row.inside, vec3<f32>(row.v.yz, pixel(row, column)));
}

fn gradient(plane: u32, h: u32, w: u32) -> vec4<f32> {
    let inside = h < H_OUT;
    return select(vec4<f32>(), dy[select(0u, (plane * H_OUT + h) * W_OUT + w, inside)], inside);
}

fn add(a: Row, b: Row, c: Row, g: vec4<f32>, s: Sums) -> Sums {
    return Sums(
        fma(vec4<f32>(a.v.x), g, s.s0), fma(vec4<f32>(a.v.y), g, s.s1), fma(vec4<f32>(a.v.z), g, s.s2),
        fma(vec4<f32>(b.v.x), g, s.s3), fma(vec4<f32>(b.v.y), g, s.s4), fma(vec4<f32>(b.v.z), g, s.s5),
        fma(vec4<f32>(c.v.x), g, s.s6), fma(vec4<f32>(c.v.y), g, s.s7), fma(vec4<f32>(c.v.z), g, s.s8),
    );
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let c = group.x * WORKGROUP + local;
    if c >= C_IN {
        return;
    }
    var s = Sums();
    let end = min((group.z + 1u) * params.bands, params.batch * BANDS);
    for (var band = group.z * params.bands; band < end; band++) {
        let n = band / BANDS;
        let h = band % BANDS * 8u;
        let plane = n * C_IN4 + c / 4u;
        let lane = c % 4u;
        let out = n * C_OUT4 + group.y;
        var r0 = row_at(plane, lane, h - PAD);
        var r1 = row_at(plane, lane, h + 1u - PAD);
        var r2 = row_at(plane, lane, h + 2u - PAD);
        var r3 = row_at(plane, lane, h + 3u - PAD);
        var r4 = row_at(plane, lane, h + 4u - PAD);
        var r5 = row_at(plane, lane, h + 5u - PAD);
        var r6 = row_at(plane, lane, h + 6u - PAD);
        var r7 = row_at(plane, lane, h + 7u - PAD);
        var r8 = row_at(plane, lane, h + 8u - PAD);
        var r9 = row_at(plane, lane, h + 9u - PAD);
        for (var w = 0u; w < W_OUT; w++) {
            let column = w + 2u - PAD;
            r0 = slide(r0, column);
            r1 = slide(r1, column);
            r2 = slide(r2, column);
            s = add(r0, r1, r2, gradient(out, h, w), s);
            r3 = slide(r3, column);
            s = add(r1, r2, r3, gradient(out, h + 1u, w), s);
            r4 = slide(r4, column);
            s = add(r2, r3, r4, gradient(out, h + 2u, w), s);
            r5 = slide(r5, column);
            s = add(r3, r4, r5, gradient(out, h + 3u, w), s);
            r6 = slide(r6, column);
            s = add(r4, r5, r6, gradient(out, h + 4u, w), s);
            r7 = slide(r7, column);
            s = add(r5, r6, r7, gradient(out, h + 5u, w), s);
            r8 = slide(r8, column);
            s = add(r6, r7, r8, gradient(out, h + 6u, w), s);
            r9 = slide(r9, column);
            s = add(r7, r8, r9, gradient(out, h + 7u, w), s);
        }
    }
    let at = group.z * (params.stride / 4u) + c * C_OUT4 + group.y;
    const TAP = C_IN * C_OUT4;
    partial[at] = s.s0;
    partial[at + TAP] = s.s1;
    partial[at + 2u * TAP] = s.s2;
    partial[at + 3u * TAP] = s.s3;
    partial[at + 4u * TAP] = s.s4;
    partial[at + 5u * TAP] = s.s5;
    partial[at + 6u * TAP] = s.s6;
    partial[at + 7u * TAP] = s.s7;
    partial[at + 8u * TAP] = s.s8;
}
