// Alpha dropout after any activation without randomness (Klambauer et al., arXiv 1706.02515): y = a z + b, z = of(x) where
// the element is kept (u >= RATE), else selu's lower limit; a and b leave mean 0 and variance 1 as they are. Evaluation is
// of(x). The host appends the function, its names with of_ before them.
const LIMIT = -1.7580993408473766;

fn scale() -> f32 {
    return 1.0 / sqrt((1.0 - RATE) * (1.0 + RATE * (LIMIT * LIMIT)));
}

fn value(x: f32, u: f32) -> f32 {
    let a = scale();
    let z = of_value(x, 0.0);
    let number = (bitcast<u32>(z) & 0x7fffffffu) <= 0x7f800000u; // a NaN is not dropped
    return a * select(z, LIMIT, number && u < RATE) - a * LIMIT * RATE;
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(0.0, scale() * of_derivative(x, 0.0), u >= RATE);
}

fn value_eval(x: f32) -> f32 {
    return of_value(x, 0.0);
}

fn derivative_eval(x: f32) -> f32 {
    return of_derivative(x, 0.0);
}
