// y = max(x, 0), and NaN for NaN; the derivative at 0 is 0
fn value(x: f32, u: f32) -> f32 {
    return select(x, 0.0, x <= 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(1.0, 0.0, x <= 0.0);
}
