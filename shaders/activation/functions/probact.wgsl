// ProbAct with a fixed sigma (Shridhar et al., arXiv 1905.10761): y = max(x, 0) + SIGMA u, u a standard normal; evaluation
// takes the mean.
fn value(x: f32, u: f32) -> f32 {
    return value_eval(x) + SIGMA * u;
}

fn derivative(x: f32, u: f32) -> f32 {
    return derivative_eval(x);
}

fn value_eval(x: f32) -> f32 {
    return select(x, 0.0, x <= 0.0);
}

fn derivative_eval(x: f32) -> f32 {
    return select(1.0, 0.0, x <= 0.0);
}
