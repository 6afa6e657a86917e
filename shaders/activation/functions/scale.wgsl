// y = FACTOR x
fn value(x: f32, u: f32) -> f32 {
    return FACTOR * x;
}

fn derivative(x: f32, u: f32) -> f32 {
    return FACTOR;
}
