// Four standard normals of a block (Box, Muller 1958): words 0 and 1 give the first two, words 2 and 3 the others. The host's
// are those of src/rng.rs, rounded. No sin and cos: WGSL promises only 11 bits of them.
fn minus_log(u: f32) -> f32 { // -ln(1 - u) for u in [0, 1)
    let s = u / (2.0 - u);
    let q = s * s;
    let near = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0
        + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q * (1.0 / 15.0))))))));
    return select(near, -log(1.0 - u), u > 0.5);
}

fn normal_pair(u: vec2<f32>) -> vec2<f32> {
    let radius = sqrt(2.0 * minus_log(u.x));
    let quarter = floor(4.0 * u.y);
    // From the middle of the quarter, within pi/4 on both sides.
    let angle = 1.57079633 * (4.0 * u.y - quarter - 0.5);
    let q = angle * angle;
    let sine = angle * (1.0 + q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * (-1.0 / 5040.0 + q * (1.0 / 362880.0)))));
    let cosine = 1.0 + q * (-1.0 / 2.0 + q * (1.0 / 24.0 + q * (-1.0 / 720.0 + q * (1.0 / 40320.0
        + q * (-1.0 / 3628800.0)))));
    let x = select(0.70710678, -0.70710678, quarter == 1.0 || quarter == 2.0); // cos and sin of the middle
    let y = select(0.70710678, -0.70710678, quarter >= 2.0);
    return radius * vec2<f32>(x * cosine - y * sine, y * cosine + x * sine);
}

fn normal4(seed: u32, stream: u32, block: u32, step: u32, layer: u32) -> vec4<f32> {
    let u = uniform4(seed, stream, block, step, layer);
    return vec4<f32>(normal_pair(u.xy), normal_pair(u.zw));
}
