// y = x
fn value(x: f32, u: f32) -> f32 {
    return x;
}

fn derivative(x: f32, u: f32) -> f32 {
    return 1.0;
}
