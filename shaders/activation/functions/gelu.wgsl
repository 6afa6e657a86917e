// y = x Phi(x), Phi the normal distribution function (FORM 0), or 0.5 x (1 + tanh(y)), y = sqrt(2/pi) (x + 0.044715 x^3)
// (FORM 1) (Hendrycks, Gimpel, arXiv 1606.08415)
fn inner(x: f32) -> vec2<f32> { // 2y and its derivative; beyond 100 its logistic function is 0 or 1
    let near = select(select(x, 100.0, x > 100.0), -100.0, x <= -100.0);
    let square = near * near;
    return 2.0 * vec2<f32>(0.79788456 * near * (1.0 + 0.044715 * square), 0.79788456 * (1.0 + 0.134145 * square));
}

fn value(x: f32, u: f32) -> f32 {
    if FORM == 0u {
        return x * normal_cdf(x);
    }
    return x * logistic(inner(x).x);
}

fn derivative(x: f32, u: f32) -> f32 {
    if FORM == 0u {
        return normal_cdf(x) + x * normal_pdf(x);
    }
    let y = inner(x);
    return logistic(y.x) + x * (logistic_slope(y.x) * y.y);
}
