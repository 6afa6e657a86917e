// y = 1.0507009873554805 (x for x > 0, 1.6732632423543772 (e^x - 1) otherwise) (Klambauer et al., arXiv 1706.02515)
fn value(x: f32, u: f32) -> f32 {
    return select(1.7580993 * expm1(x), 1.0507010 * x, x > 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(1.7580993 * exp(x), 1.0507010, x > 0.0);
}
