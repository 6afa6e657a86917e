// y = x for x > 0, ALPHA (e^(x/ALPHA) - 1) otherwise (Barron, arXiv 1704.07483)
fn value(x: f32, u: f32) -> f32 {
    return select(ALPHA * expm1(x / ALPHA), x, x > 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(exp(x / ALPHA), 1.0, x > 0.0);
}
