// 1/(1 + e^-x) with gradient acceleration (lib/gaaf) of strength s(x) = bell(x/2): 1/(1 + e^-x) = (1 + tanh(x/2))/2
fn value(x: f32, u: f32) -> f32 {
    return logistic(x) + wave(x) * bell(0.5 * x);
}

fn derivative(x: f32, u: f32) -> f32 {
    return logistic_slope(x) + wave_slope(x) * bell(0.5 * x);
}
