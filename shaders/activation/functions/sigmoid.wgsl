// y = 1/(1 + e^-x)
fn value(x: f32, u: f32) -> f32 {
    return logistic(x);
}

fn derivative(x: f32, u: f32) -> f32 {
    return logistic_slope(x);
}
