// max(x, 0) with gradient acceleration (lib/gaaf), s(x) = 1/(1 + e^-(5x + 2.5)), read off the paper's figure (SHAPE 0),
// 1/(1 + e^-(x + SHIFT)) of a published replication (1), or 1 (2)
fn strength(x: f32) -> f32 {
    if SHAPE == 2u {
        return 1.0;
    }
    return logistic(select(x + SHIFT, 5.0 * x + 2.5, SHAPE == 0u));
}

fn value(x: f32, u: f32) -> f32 {
    return select(x, 0.0, x <= 0.0) + wave(x) * strength(x);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(1.0, 0.0, x <= 0.0) + wave_slope(x) * strength(x);
}
