// y = tanh(x)
fn value(x: f32, u: f32) -> f32 {
    return tangent(x);
}

fn derivative(x: f32, u: f32) -> f32 {
    return tangent_slope(x);
}
