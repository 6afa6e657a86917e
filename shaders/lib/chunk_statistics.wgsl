// What a convolution's workgroup leaves of each channel for the batch norm after it: the mean and the sum of squared
// deviations of all its pixels, joined from those of its invocations (Chan, Golub, LeVeque 1983). The kernel's file gives
// partial (chunks,2,C_OUT4*4); lib/reduce is needed too.
struct Chunk { local: u32, chunk: u32, members: u32, pixels: f32, real: bool }

// `mean` and `m2` are of this invocation's `pixels` pixels; `members` invocations are real. Every invocation must call it.
fn leave_statistics(at: Chunk, k: u32, mean: vec4<f32>, m2: vec4<f32>) {
    let zero = vec4<f32>();
    workgroupBarrier();
    let sums = workgroup_sums(at.local, Pair(select(zero, mean, at.real), select(zero, m2, at.real)));
    let centre = sums.a / f32(at.members);
    let d = select(zero, mean - centre, at.real);
    workgroupBarrier();
    let spread = workgroup_sums(at.local, Pair(d * d, zero));
    if at.local == 0u && k < C_OUT4 {
        partial[2u * at.chunk * C_OUT4 + k] = centre;
        partial[(2u * at.chunk + 1u) * C_OUT4 + k] = fma(vec4<f32>(at.pixels), spread.a, sums.b);
    }
}
