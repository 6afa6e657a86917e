// Philox4x32-10 (Salmon et al., SC'11). Key (seed, stream), counter (block, step, layer, 0); word for word src/rng.rs.
// lib/philox64 says the same where there are words of 64 bits.
const MULTIPLIER_X = 0xD2511F53u;
const MULTIPLIER_Z = 0xCD9E8D57u;

// High word of the 64-bit product, from 16-bit halves.
fn multiply_high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let middle_a = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let middle_b = (a & 0xffffu) * (b >> 16u) + (middle_a & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (middle_a >> 16u) + (middle_b >> 16u);
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var c = counter;
    var k = key;
    for (var round = 0u; round < 10u; round++) {
        let p = multiply_high(MULTIPLIER_X, c.x);
        let q = multiply_high(MULTIPLIER_Z, c.z);
        c = vec4<u32>(q ^ c.y ^ k.x, MULTIPLIER_Z * c.z, p ^ c.w ^ k.y, MULTIPLIER_X * c.x);
        k += vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}

// Four uniforms in [0, 1): the words' top 24 bits.
fn uniform4(seed: u32, stream: u32, block: u32, step: u32, layer: u32) -> vec4<f32> {
    let words = philox(vec4<u32>(block, step, layer, 0u), vec2<u32>(seed, stream));
    return vec4<f32>(words >> vec4<u32>(8u)) * (1.0 / 16777216.0);
}
