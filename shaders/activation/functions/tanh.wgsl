// y = tanh(x)
fn value(x: f32, u: f32) -> f32 {
    return stable_tanh(x);
}

fn derivative(x: f32, u: f32) -> f32 {
    return stable_tanh_slope(x);
}
