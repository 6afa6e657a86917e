// Batch norm's value before the activation, with the shortcut's sum: z = (x - mean) * invstd * gamma + beta + shortcut.
struct Channel { mean: vec4<f32>, invstd: vec4<f32>, gamma: vec4<f32>, beta: vec4<f32> }

fn channel(c: u32) -> Channel {
    return Channel(saved[c], saved[C4 + c], affine[c], affine[params.affine_offset + c]);
}

fn normalized(x: vec4<f32>, ch: Channel) -> vec4<f32> {
    return (x - ch.mean) * ch.invstd;
}
