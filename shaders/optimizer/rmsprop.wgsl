// RMSprop (Tieleman, Hinton 2012) as PyTorch's: v = rho * v + (1 - rho) * g^2; m = momentum * m + g / (sqrt(v) + eps);
// w -= lr * m. Loss scale, clipping, L1 and decay as in optimizer/sgd.
// All parameters in one dispatch. weight, gradient, square, buffer: words in groups of four  decay: a row for each 64 words
// An invocation owns one group of four.
struct Params {
    count: u32, rho: f32, rest: f32, eps: f32, // groups of four; rest = 1 - rho, rounded once
    momentum: f32, most: f32, pad0: u32, pad1: u32,
}
@group(0) @binding(0) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> decay: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read> scaling: array<u32>;
@group(0) @binding(4) var<storage, read_write> weight: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> square: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> buffer: array<vec4<f32>>;
@group(0) @binding(7) var<uniform> params: Params;

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
    let v = params.rho * square[at] + params.rest * (g * g);
    square[at] = v;
    let m = params.momentum * buffer[at] + g / (sqrt(v) + params.eps);
    buffer[at] = m;
    weight[at] = shrunk(w, lr, block.xy) - lr * m;
}
