// m first(x) + (1 - m) second(x), m = 1 with probability RETAIN: DropActivation for any two functions (a choice between
// SiLU and ReLU: arXiv 2509.22358). The host appends both, their names with first_ and second_ before them.
fn value(x: f32, u: f32) -> f32 {
    return select(second_value(x, 0.0), first_value(x, 0.0), u < RETAIN);
}

fn derivative(x: f32, u: f32) -> f32 {
    return select(second_derivative(x, 0.0), first_derivative(x, 0.0), u < RETAIN);
}

fn value_eval(x: f32) -> f32 {
    return RETAIN * first_value(x, 0.0) + (1.0 - RETAIN) * second_value(x, 0.0);
}

fn derivative_eval(x: f32) -> f32 {
    return RETAIN * first_derivative(x, 0.0) + (1.0 - RETAIN) * second_derivative(x, 0.0);
}
