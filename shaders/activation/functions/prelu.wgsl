// PReLU (He et al., arXiv 1502.01852): the slope of the negative side is learned. x = 0 belongs to the negative side.
fn value(x: f32, u: f32) -> f32 {
    return select(learned * x, x, x > 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(learned, 1.0, x > 0.0);
}

fn learned_gradient(x: f32, u: f32) -> f32 {
    return select(x, 0.0, x > 0.0);
}
