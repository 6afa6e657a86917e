// Noisy ReLU (Nair, Hinton 2010): y = max(0, x + sigma u), sigma^2 = 1/(1 + e^-x), u a standard normal; evaluation takes the
// mean, x Phi(x/sigma) + sigma phi(x/sigma).
fn deviation(x: f32) -> vec2<f32> { // sigma and its derivative
    let sigma = sqrt(logistic(x));
    return vec2<f32>(sigma, 0.5 * sigma * logistic(-x));
}

fn value(x: f32, u: f32) -> f32 {
    let z = x + u * deviation(x).x;
    return select(z, 0.0, z <= 0.0);
}

fn derivative(x: f32, u: f32) -> f32 {
    let s = deviation(x);
    return select(1.0 + u * s.y, 0.0, x + u * s.x <= 0.0);
}

fn ratio(x: f32, sigma: f32) -> f32 { // x/sigma; the normal's share below -30 is 0 in f32
    let r = x / select(sigma, 1e-15, sigma <= 1e-15);
    return select(r, -30.0, r <= -30.0);
}

fn value_eval(x: f32) -> f32 {
    let sigma = deviation(x).x;
    let r = ratio(x, sigma);
    return x * normal_cdf(r) + sigma * normal_pdf(r);
}

fn derivative_eval(x: f32) -> f32 {
    let s = deviation(x);
    let r = ratio(x, s.x);
    return normal_cdf(r) + normal_pdf(r) * s.y;
}
