// What every optimizer does to the gradient first. decay: (weight decay, L1) of the block; its row goes on with the factor on the
// learning rate, 0 for what is not trained, and 0.

// The gradient itself: over the loss scale, over the clipping factor of optimizer/clip, each element within +-most.
fn own_gradient(stored: vec4<f32>, scale: f32, factor: f32, most: f32) -> vec4<f32> {
    var g = stored;
    if SCALED {
        g /= scale; // a power of two
    }
    if CLIP_NORM {
        g *= factor;
    }
    if CLIP_VALUE {
        g = clamp(g, vec4<f32>(-most), vec4<f32>(most));
    }
    return g;
}

// The gradient with that of decay/2 * w^2 + l1 * |w|; with DECOUPLED weight decay is left to shrunk.
fn with_penalties(g: vec4<f32>, w: vec4<f32>, decay: vec2<f32>) -> vec4<f32> {
    var all = g;
    if !DECOUPLED {
        all = fma(vec4<f32>(decay.x), w, all);
    }
    if L1 {
        all += decay.y * sign(w);
    }
    return all;
}

// The weights after decoupled decay (Loshchilov, Hutter, arXiv 1711.05101, as torch.optim.AdamW): w (1 - lr * decay).
fn shrunk(w: vec4<f32>, lr: f32, decay: vec2<f32>) -> vec4<f32> {
    if DECOUPLED {
        return w * (1.0 - lr * decay.x);
    }
    return w;
}
