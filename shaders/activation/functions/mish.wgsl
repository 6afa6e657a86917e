// y = x tanh(ln(1 + e^x)) (Misra, arXiv 1908.08681)
fn gate(x: f32) -> vec2<f32> { // tanh(ln(1 + e^x)) and 1 minus its square, by powers of e^-|x| alone
    let e = exp(-abs(x));
    let n = select(1.0 + 2.0 * e, e * (e + 2.0), x < 0.0);
    let rest = select(e * e, 1.0, x < 0.0);
    let d = n + 2.0 * rest;
    return vec2<f32>(n / d, 4.0 * rest * (n + rest) / (d * d));
}

fn value(x: f32, u: f32) -> f32 {
    return x * gate(x).x;
}

fn derivative(x: f32, u: f32) -> f32 {
    let g = gate(x);
    return g.x + x * (logistic(x) * g.y);
}
