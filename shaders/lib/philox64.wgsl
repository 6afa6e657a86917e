// In the place of lib/philox on drivers that run on the CPU: a word is the low half of 64 bits, so that a product is both its
// halves and nothing is narrowed or widened between the rounds; what is in the high half never reaches a product.
const MULTIPLIER_X = 0xD2511F53u;
const MULTIPLIER_Z = 0xCD9E8D57u;

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    // Always 0. Mesa does not see that, so these words seem to differ between invocations: Mesa 26.1 aborts (stack smashing
    // detected) where 64 bits that are the same in all invocations meet 64 that are not. LLVM, later, removes it.
    let nothing = (counter.x << 1u) & 1u;
    let half = u64(0xffffffffu ^ nothing);
    var x = u64(counter.x);
    var y = u64(counter.y ^ nothing);
    var z = u64(counter.z ^ nothing);
    var w = u64(counter.w ^ nothing);
    var k = key ^ vec2<u32>(nothing);
    for (var round = 0u; round < 10u; round++) {
        let p = u64(MULTIPLIER_X) * (x & half);
        let q = u64(MULTIPLIER_Z) * (z & half);
        x = (q >> 32u) ^ y ^ u64(k.x);
        z = (p >> 32u) ^ w ^ u64(k.y);
        y = q;
        w = p;
        k += vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return vec4<u32>(u32(x), u32(y), u32(z), u32(w));
}

// Four uniforms in [0, 1): the words' top 24 bits.
fn uniform4(seed: u32, stream: u32, block: u32, step: u32, layer: u32) -> vec4<f32> {
    let words = philox(vec4<u32>(block, step, layer, 0u), vec2<u32>(seed, stream));
    return vec4<f32>(words >> vec4<u32>(8u)) * (1.0 / 16777216.0);
}
