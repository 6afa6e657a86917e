// The activation's functions (shaders/activation/functions) on four channels. The stochastic form is that of TRAIN, and of
// evaluation with MONTE_CARLO; else the expected one. STOCHASTIC says whether it draws, UNIT for what: each element, each
// channel of an image (1), or each image (2).
const STREAM_ACTIVATION = 1u;
const NOISY = TRAIN || MONTE_CARLO;

// The noise of the four elements of a block, which is numbered row*C4 + c (lib/rows).
fn draw(seed: u32, block: u32, step: u32, layer: u32) -> vec4<f32> {
    if !(NOISY && STOCHASTIC) {
        return vec4<f32>();
    }
    if UNIT == 2u {
        return vec4<f32>(noise4(seed, block / (PIXELS * C4), step, layer).x);
    }
    if UNIT == 1u {
        return noise4(seed, block / (PIXELS * C4) * C4 + block % C4, step, layer);
    }
    return noise4(seed, block, step, layer);
}

fn value4(x: vec4<f32>, u: vec4<f32>) -> vec4<f32> {
    if NOISY {
        return vec4<f32>(value(x.x, u.x), value(x.y, u.y), value(x.z, u.z), value(x.w, u.w));
    }
    return vec4<f32>(value_eval(x.x), value_eval(x.y), value_eval(x.z), value_eval(x.w));
}

fn derivative4(x: vec4<f32>, u: vec4<f32>) -> vec4<f32> {
    if NOISY {
        return vec4<f32>(derivative(x.x, u.x), derivative(x.y, u.y), derivative(x.z, u.z), derivative(x.w, u.w));
    }
    return vec4<f32>(derivative_eval(x.x), derivative_eval(x.y), derivative_eval(x.z), derivative_eval(x.w));
}
