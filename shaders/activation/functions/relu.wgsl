// y = max(x, 0); the derivative at 0 is 0
fn value(x: f32, u: f32) -> f32 {
    return max(x, 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(0.0, 1.0, x > 0.0);
}
