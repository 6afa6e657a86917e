// y = x for x > 0, ALPHA (e^x - 1) otherwise (Clevert, Unterthiner, Hochreiter, arXiv 1511.07289)
fn value(x: f32, u: f32) -> f32 {
    return select(ALPHA * expm1(x), x, x > 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(ALPHA * exp(x), 1.0, x > 0.0);
}
