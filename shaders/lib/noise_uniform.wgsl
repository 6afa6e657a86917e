// The noise of activations that draw uniforms.
fn noise4(seed: u32, block: u32, step: u32, layer: u32) -> vec4<f32> {
    return uniform4(seed, STREAM_ACTIVATION, block, step, layer);
}
