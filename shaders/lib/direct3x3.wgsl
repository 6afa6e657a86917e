// 3x3, stride 1, padding 1, for a tile of 2 rows x 4 columns x 4 channels in registers. The kernel's file gives
// load(image, row, column, group) and weights(tap, from group, to group). Invocations of a workgroup take neighbouring
// tiles and the same weights, so that a weight is one load for all of them.
struct Pixels { p0: vec4<f32>, p1: vec4<f32>, p2: vec4<f32>, p3: vec4<f32>, p4: vec4<f32>, p5: vec4<f32> }

struct Tile { top: mat4x4<f32>, bottom: mat4x4<f32> } // a column of a matrix is a pixel

fn pixels(n: u32, h: u32, w: u32, c: u32) -> Pixels {
    return Pixels(
        load(n, h, w - 1u, c), load(n, h, w, c), load(n, h, w + 1u, c),
        load(n, h, w + 2u, c), load(n, h, w + 3u, c), load(n, h, w + 4u, c),
    );
}

fn multiply(v: vec4<f32>, w: mat4x4<f32>, sum: vec4<f32>) -> vec4<f32> {
    var result = fma(vec4<f32>(v.x), w[0], sum);
    result = fma(vec4<f32>(v.y), w[1], result);
    result = fma(vec4<f32>(v.z), w[2], result);
    return fma(vec4<f32>(v.w), w[3], result);
}

fn multiply4(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, w: mat4x4<f32>, sum: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        multiply(a, w, sum[0]), multiply(b, w, sum[1]), multiply(c, w, sum[2]), multiply(d, w, sum[3]),
    );
}

fn convolve_tile(n: u32, h: u32, w: u32, from_groups: u32, to_group: u32) -> Tile {
    var top = mat4x4<f32>();
    var bottom = mat4x4<f32>();
    for (var c = 0u; c < from_groups; c++) {
        let x0 = pixels(n, h - 1u, w, c);
        let x1 = pixels(n, h, w, c);
        let x2 = pixels(n, h + 1u, w, c);
        let x3 = pixels(n, h + 2u, w, c);

        let w0 = weights(0u, c, to_group);
        top = multiply4(x0.p0, x0.p1, x0.p2, x0.p3, w0, top);
        bottom = multiply4(x1.p0, x1.p1, x1.p2, x1.p3, w0, bottom);
        let w1 = weights(1u, c, to_group);
        top = multiply4(x0.p1, x0.p2, x0.p3, x0.p4, w1, top);
        bottom = multiply4(x1.p1, x1.p2, x1.p3, x1.p4, w1, bottom);
        let w2 = weights(2u, c, to_group);
        top = multiply4(x0.p2, x0.p3, x0.p4, x0.p5, w2, top);
        bottom = multiply4(x1.p2, x1.p3, x1.p4, x1.p5, w2, bottom);

        let w3 = weights(3u, c, to_group);
        top = multiply4(x1.p0, x1.p1, x1.p2, x1.p3, w3, top);
        bottom = multiply4(x2.p0, x2.p1, x2.p2, x2.p3, w3, bottom);
        let w4 = weights(4u, c, to_group);
        top = multiply4(x1.p1, x1.p2, x1.p3, x1.p4, w4, top);
        bottom = multiply4(x2.p1, x2.p2, x2.p3, x2.p4, w4, bottom);
        let w5 = weights(5u, c, to_group);
        top = multiply4(x1.p2, x1.p3, x1.p4, x1.p5, w5, top);
        bottom = multiply4(x2.p2, x2.p3, x2.p4, x2.p5, w5, bottom);

        let w6 = weights(6u, c, to_group);
        top = multiply4(x2.p0, x2.p1, x2.p2, x2.p3, w6, top);
        bottom = multiply4(x3.p0, x3.p1, x3.p2, x3.p3, w6, bottom);
        let w7 = weights(7u, c, to_group);
        top = multiply4(x2.p1, x2.p2, x2.p3, x2.p4, w7, top);
        bottom = multiply4(x3.p1, x3.p2, x3.p3, x3.p4, w7, bottom);
        let w8 = weights(8u, c, to_group);
        top = multiply4(x2.p2, x2.p3, x2.p4, x2.p5, w8, top);
        bottom = multiply4(x3.p2, x3.p3, x3.p4, x3.p5, w8, bottom);
    }
    return Tile(top, bottom);
}
