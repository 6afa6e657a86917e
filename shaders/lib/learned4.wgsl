// The functions of an activation with a learned number on four channels that have a each their own.
fn learned_value4(x: vec4<f32>, u: vec4<f32>, a: vec4<f32>) -> vec4<f32> {
    var y: vec4<f32>;
    for (var k = 0u; k < 4u; k++) {
        learned = a[k];
        if NOISY {
            y[k] = value(x[k], u[k]);
        } else {
            y[k] = value_eval(x[k]);
        }
    }
    return y;
}

fn learned_derivative4(x: vec4<f32>, u: vec4<f32>, a: vec4<f32>) -> vec4<f32> {
    var slope: vec4<f32>;
    for (var k = 0u; k < 4u; k++) {
        learned = a[k];
        if NOISY {
            slope[k] = derivative(x[k], u[k]);
        } else {
            slope[k] = derivative_eval(x[k]);
        }
    }
    return slope;
}

// dy/da; without noise what it multiplies is 0.
fn learned_gradient4(x: vec4<f32>, u: vec4<f32>, a: vec4<f32>) -> vec4<f32> {
    var slope: vec4<f32>;
    for (var k = 0u; k < 4u; k++) {
        learned = a[k];
        slope[k] = learned_gradient(x[k], u[k]);
    }
    return slope;
}
