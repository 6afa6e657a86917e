// y = ln(1 + e^(BETA x))/BETA
fn value(x: f32, u: f32) -> f32 {
    return select(0.0, x, x > 0.0) + log1p(exp(-abs(BETA * x))) / BETA;
}

fn derivative(x: f32, u: f32) -> f32 {
    return logistic(BETA * x);
}
