// y = x/(1 + e^-x) (Elfwing, Uchibe, Doya, arXiv 1702.03118)
fn value(x: f32, u: f32) -> f32 {
    return x * logistic(x);
}

fn derivative(x: f32, u: f32) -> f32 {
    return logistic(x) + x * logistic_slope(x);
}
