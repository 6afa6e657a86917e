// Gaussian dropout after any activation without randomness (Srivastava et al. 2014, section 10): y = of(x) (1 + s u), u a
// standard normal, s^2 = RATE/(1 - RATE). Evaluation is of(x). The host appends the function, its names with of_ before them.
fn factor(u: f32) -> f32 {
    return 1.0 + sqrt(RATE / (1.0 - RATE)) * u;
}

fn value(x: f32, u: f32) -> f32 {
    return factor(u) * of_value(x, 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    return factor(u) * of_derivative(x, 0.0);
}

fn value_eval(x: f32) -> f32 {
    return of_value(x, 0.0);
}

fn derivative_eval(x: f32) -> f32 {
    return of_derivative(x, 0.0);
}
