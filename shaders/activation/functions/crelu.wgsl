// CReLU (Shang et al., arXiv 1603.05201): its layer applies this to x and to -x. x = 0 belongs to the negative side.
fn value(x: f32, u: f32) -> f32 {
    return select(x, 0.0, x <= 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(1.0, 0.0, x <= 0.0);
}
