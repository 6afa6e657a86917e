// RReLU (Xu, Wang, Chen, Li, arXiv 1505.00853): a random slope on the negative side.
// MODE 0 torch: U(LOWER, UPPER), evaluation with its mean; 1 paper: 1/U(1/UPPER, 1/LOWER), evaluation with the inverse of
// that uniform's mean; 2 seed: trains as torch, evaluates as paper (a published replication's mismatch).
fn slope(u: f32) -> f32 {
    if MODE == 1u {
        return 1.0 / mix(1.0 / UPPER, 1.0 / LOWER, u);
    }
    return mix(LOWER, UPPER, u);
}

fn slope_eval() -> f32 {
    if MODE == 0u {
        return 0.5 * (LOWER + UPPER);
    }
    return 2.0 / (1.0 / LOWER + 1.0 / UPPER);
}

fn value(x: f32, u: f32) -> f32 {
    return select(slope(u) * x, x, x > 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(slope(u), 1.0, x > 0.0);
}

fn value_eval(x: f32) -> f32 {
    return select(slope_eval() * x, x, x > 0.0);
}

fn derivative_eval(x: f32) -> f32 {
    return select(slope_eval(), 1.0, x > 0.0);
}
