// Dropout fused with any activation without randomness: y = of(m x) (PLACE 0) or m of(x) (1), m = 1/(1 - RATE) where the
// element is kept (u >= RATE), else 0. Evaluation is of(x). The host appends the function, its names with of_ before them.
fn kept(u: f32) -> f32 {
    return select(0.0, 1.0 / (1.0 - RATE), u >= RATE);
}

fn value(x: f32, u: f32) -> f32 {
    if PLACE == 0u {
        return of_value(kept(u) * x, 0.0);
    }
    return kept(u) * of_value(x, 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    if PLACE == 0u {
        return kept(u) * of_derivative(kept(u) * x, 0.0);
    }
    return kept(u) * of_derivative(x, 0.0);
}

fn value_eval(x: f32) -> f32 {
    return of_value(x, 0.0);
}

fn derivative_eval(x: f32) -> f32 {
    return of_derivative(x, 0.0);
}
