// x/(1 + e^(-slope x)): SiLU with a slope of its own
// param: slope = 1.7 in 0.1..10
fn value(x: f32, u: f32) -> f32 { return x * logistic(SLOPE * x); }
fn derivative(x: f32, u: f32) -> f32 {
    return logistic(SLOPE * x) + x * SLOPE * logistic_slope(SLOPE * x);
}
