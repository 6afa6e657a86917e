// tanh(x) with gradient acceleration (lib/gaaf) of strength s(x) = bell(x)
fn value(x: f32, u: f32) -> f32 {
    return stable_tanh(x) + wave(x) * bell(x);
}

fn derivative(x: f32, u: f32) -> f32 {
    return stable_tanh_slope(x) + wave_slope(x) * bell(x);
}
