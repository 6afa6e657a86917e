// Winograd's F(3x3,4x4) for the gradient of 3x3 weights: F(4x4,3x3) of lib/winograd4 with the roles of kernel and output
// exchanged, at the same points: dw = At (sum over tiles of U * V) A, where V = Bt x B of 6x6 pixels of x and U of 4x4 pixels of
// dy: 36 multiply-adds in the place of 144. The points of two tiles of x lie in workgroup memory, for 16 input channels.
const BLOCK = 16u;
const TILE = 36u * BLOCK; // words of a tile's points
var<workgroup> points: array<f32, 2u * TILE>;

// A row or column of points or pixels, of one tile.
struct Six { a: f32, b: f32, c: f32, d: f32, e: f32, f: f32 }

// A row or column of points of two tiles.
struct Pair { a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>, e: vec2<f32>, f: vec2<f32> }

// A row or column of points, each with its sums for 16 input channels.
struct Line { a: mat4x4<f32>, b: mat4x4<f32>, c: mat4x4<f32>, d: mat4x4<f32>, e: mat4x4<f32>, f: mat4x4<f32> }

struct Taps { a: mat4x4<f32>, b: mat4x4<f32>, c: mat4x4<f32> }

// Bt times a row or column of pixels.
fn spread(x: Six) -> Six {
    let even = fma(-2.25, x.c, x.e);
    let odd = 0.5 * fma(-2.25, x.b, x.d);
    let far_even = fma(-0.25, x.c, x.e);
    let far_odd = 1.5 * fma(-0.25, x.b, x.d);
    return Six(
        fma(0.5625, x.a, fma(-2.5, x.c, x.e)),
        even + odd, even - odd, far_even + far_odd, far_even - far_odd,
        fma(0.5625, x.b, fma(-2.5, x.d, x.f)),
    );
}

// Four pixels as the coefficients of a polynomial, at the points.
fn evaluate(x: vec2<f32>, y: vec2<f32>, z: vec2<f32>, w: vec2<f32>) -> Pair {
    let even = fma(vec2<f32>(0.25), z, x);
    let odd = fma(vec2<f32>(0.125), w, 0.5 * y);
    let far_even = fma(vec2<f32>(2.25), z, x);
    let far_odd = fma(vec2<f32>(3.375), w, 1.5 * y);
    return Pair(x, even + odd, even - odd, far_even + far_odd, far_even - far_odd, w);
}

fn four(at: u32) -> vec4<f32> {
    return vec4<f32>(points[at], points[at + 1u], points[at + 2u], points[at + 3u]);
}

fn add(v: vec2<f32>, at: u32, sum: vec4<f32>) -> vec4<f32> {
    return fma(vec4<f32>(v.y), four(at + TILE), fma(vec4<f32>(v.x), four(at), sum));
}

fn multiply(v: vec2<f32>, point: u32, s: mat4x4<f32>) -> mat4x4<f32> {
    let at = point * BLOCK;
    return mat4x4<f32>(add(v, at, s[0]), add(v, at + 4u, s[1]), add(v, at + 8u, s[2]), add(v, at + 12u, s[3]));
}

fn multiply_line(v: Pair, point: u32, s: Line) -> Line {
    return Line(
        multiply(v.a, point, s.a), multiply(v.b, point + 1u, s.b), multiply(v.c, point + 2u, s.c),
        multiply(v.d, point + 3u, s.d), multiply(v.e, point + 4u, s.e), multiply(v.f, point + 5u, s.f),
    );
}

// From sums at the points to taps: each point's share is divided by the product of its distances to the other points.
fn gather(m: Line) -> Taps {
    let near = m.b + m.c;
    let far = (1.0 / 9.0) * (m.d + m.e);
    return Taps(
        ((1.0 / 0.5625) * m.a - near) + far,
        (1.0 / 6.0) * (m.d - m.e) - 0.5 * (m.b - m.c),
        (2.25 * far - 0.25 * near) + m.f,
    );
}
