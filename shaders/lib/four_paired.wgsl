// In the place of lib/four where a vector load is one gather a component (drivers that run on the CPU): two channels a word
// of 64 bits, half the gathers.
alias Four = vec2<u64>;
alias Two = u64;

fn four(v: Four) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(u32(v.x), u32(v.x >> 32u), u32(v.y), u32(v.y >> 32u)));
}

fn two(v: Two) -> vec2<f32> {
    return bitcast<vec2<f32>>(vec2<u32>(u32(v), u32(v >> 32u)));
}

fn packed(v: vec4<f32>) -> Four {
    let bits = bitcast<vec4<u32>>(v);
    return vec2<u64>(u64(bits.x) | (u64(bits.y) << 32u), u64(bits.z) | (u64(bits.w) << 32u));
}
