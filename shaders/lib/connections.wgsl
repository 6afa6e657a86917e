// DropConnect (Wan et al., ICML 2013): which weights are kept, of those whose 64 words `dropped` marks with 1. One mask for a
// batch. Draws one Philox block for four words of the flat buffer (counter: the group's number).
const STREAM_DROPOUT = 2u;

// 1 where a weight is kept, 0 where it is dropped; without TRAIN the mean.
fn connected(group: u32) -> vec4<f32> {
    if dropped[group / 16u] == 0.0 {
        return vec4<f32>(1.0);
    }
    if !TRAIN {
        return vec4<f32>(1.0 - RATE);
    }
    let u = uniform4(params.seed, STREAM_DROPOUT, group, state.step, params.layer);
    return select(vec4<f32>(), vec4<f32>(1.0), u >= vec4<f32>(RATE));
}
