// ProbAct with a learned sigma (Shridhar et al., arXiv 1905.10761): y = max(x, 0) + sigma u, u a standard normal,
// sigma = BOUND / (1 + e^(-STEEPNESS learned)); evaluation takes the mean.
fn value(x: f32, u: f32) -> f32 {
    return value_eval(x) + BOUND * logistic(STEEPNESS * learned) * u;
}

fn derivative(x: f32, u: f32) -> f32 {
    return derivative_eval(x);
}

fn learned_gradient(x: f32, u: f32) -> f32 {
    return BOUND * STEEPNESS * logistic_slope(STEEPNESS * learned) * u;
}

fn value_eval(x: f32) -> f32 {
    return select(x, 0.0, x <= 0.0);
}

fn derivative_eval(x: f32) -> f32 {
    return select(1.0, 0.0, x <= 0.0);
}
