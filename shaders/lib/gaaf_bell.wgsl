// s(x) of gaaf_tanh: exp(-x^2/4), read off the paper's figure (SHAPE 0), exp(-x^2/3) of a published replication (1), or 1.
fn bell(x: f32) -> f32 {
    if SHAPE == 0u {
        return exp(-0.25 * (x * x));
    }
    return select(1.0, exp(-1.0 / 3.0 * (x * x)), SHAPE == 1u);
}
