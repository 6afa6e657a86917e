// DropActivation (Liang, Khoo, Yang, arXiv 1811.05850): the nonlinearity is kept with probability RETAIN, else replaced by
// the identity; evaluation takes the mean, a slope of 1 - RETAIN on the negative side.
fn value(x: f32, u: f32) -> f32 {
    return select(x, 0.0, x <= 0.0 && u < RETAIN);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(1.0, 0.0, x <= 0.0 && u < RETAIN);
}

fn value_eval(x: f32) -> f32 {
    return select((1.0 - RETAIN) * x, x, x > 0.0);
}

fn derivative_eval(x: f32) -> f32 {
    return select(1.0 - RETAIN, 1.0, x > 0.0);
}
