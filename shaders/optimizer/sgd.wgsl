// SGD with momentum as PyTorch's: g = gradient + decay * w; m = momentum * m + g; w -= lr * (nesterov ? g + momentum * m : m)
// With SCALED the gradient is divided by the loss scale first, and nothing moves where optimizer/reduce found a gradient that is
// not finite (scaling[2]). Clipping, L1 and decoupled decay as in lib/update.
// All parameters in one dispatch. weight, gradient, buffer: words in groups of four  decay: a row for each 64 words
// An invocation owns one group of four.
struct Params { count: u32, momentum: f32, nesterov: u32, most: f32 } // groups of four
@group(0) @binding(0) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> decay: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read> scaling: array<u32>;
@group(0) @binding(4) var<storage, read_write> weight: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> buffer: array<vec4<f32>>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at >= params.count || (SCALED && scaling[2] != 0u) {
        return;
    }
    let w = weight[at];
    let block = decay[at / 16u];
    let lr = state.lr * block.z;
    let own = own_gradient(gradient[at], state.scale, state.factor, params.most);
    let g = with_penalties(own, w, block.xy);
    let m = fma(vec4<f32>(params.momentum), buffer[at], g);
    buffer[at] = m;
    let update = select(m, fma(vec4<f32>(params.momentum), m, g), params.nesterov != 0u);
    weight[at] = shrunk(w, lr, block.xy) - lr * update;
}
