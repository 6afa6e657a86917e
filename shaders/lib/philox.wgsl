// Philox4x32-10 (Salmon et al., SC'11). Key (seed, stream), counter (block, step, layer, 0); word for word src/rng.rs.
fn multiply_wide(a: u32, b: u32) -> vec2<u32> { // (high, low) of the 64-bit product, from 16-bit halves
    let low = (a & 0xffffu) * (b & 0xffffu);
    let middle_a = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let middle_b = (a & 0xffffu) * (b >> 16u) + (middle_a & 0xffffu);
    return vec2<u32>((a >> 16u) * (b >> 16u) + (middle_a >> 16u) + (middle_b >> 16u), a * b);
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var c = counter;
    var k = key;
    for (var round = 0u; round < 10u; round++) {
        let p = multiply_wide(0xD2511F53u, c.x);
        let q = multiply_wide(0xCD9E8D57u, c.z);
        c = vec4<u32>(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
        k += vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}

// Four uniforms in [0, 1): the words' top 24 bits.
fn uniform4(seed: u32, stream: u32, block: u32, step: u32, layer: u32) -> vec4<f32> {
    let words = philox(vec4<u32>(block, step, layer, 0u), vec2<u32>(seed, stream));
    return vec4<f32>(words >> vec4<u32>(8u)) * (1.0 / 16777216.0);
}
