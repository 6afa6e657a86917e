// The activation's functions (shaders/activation/functions) on four channels. TRAIN chooses between the stochastic form
// and the expected one; STOCHASTIC says whether the training form draws.
const STREAM_ACTIVATION = 1u;

fn draw(seed: u32, block: u32, step: u32, layer: u32) -> vec4<f32> {
    if TRAIN && STOCHASTIC {
        return uniform4(seed, STREAM_ACTIVATION, block, step, layer);
    }
    return vec4<f32>();
}

fn value4(x: vec4<f32>, u: vec4<f32>) -> vec4<f32> {
    if TRAIN {
        return vec4<f32>(value(x.x, u.x), value(x.y, u.y), value(x.z, u.z), value(x.w, u.w));
    }
    return vec4<f32>(value_eval(x.x), value_eval(x.y), value_eval(x.z), value_eval(x.w));
}

fn derivative4(x: vec4<f32>, u: vec4<f32>) -> vec4<f32> {
    if TRAIN {
        return vec4<f32>(derivative(x.x, u.x), derivative(x.y, u.y), derivative(x.z, u.z), derivative(x.w, u.w));
    }
    return vec4<f32>(derivative_eval(x.x), derivative_eval(x.y), derivative_eval(x.z), derivative_eval(x.w));
}
