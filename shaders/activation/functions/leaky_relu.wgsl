// y = x for x > 0, NEGATIVE_SLOPE x otherwise (Maas, Hannun, Ng 2013)
fn value(x: f32, u: f32) -> f32 {
    return select(NEGATIVE_SLOPE * x, x, x > 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(NEGATIVE_SLOPE, 1.0, x > 0.0);
}
