// Adam (Kingma, Ba, arXiv 1412.6980), AdamW and Nadam (Dozat 2016) in one form; the step's factors make the difference:
// m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2
// w -= lr * (first * m + direct * g) / (sqrt(second * v) + eps)
// Loss scale, clipping, L1 and decay as in optimizer/sgd.
// All parameters in one dispatch. weight, gradient, first_moment, second_moment: words in groups of four
// decay: a row for each 64 words. An invocation owns one group of four.
struct Params {
    count: u32, beta1: f32, beta2: f32, eps: f32, // groups of four
    rest1: f32, rest2: f32, most: f32, pad0: u32, // 1 - beta1 and 1 - beta2, rounded once
}
@group(0) @binding(0) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> decay: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read> scaling: array<u32>;
@group(0) @binding(4) var<storage, read_write> weight: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> second_moment: array<vec4<f32>>;
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
    let m = params.beta1 * first_moment[at] + params.rest1 * g;
    let v = params.beta2 * second_moment[at] + params.rest2 * (g * g);
    first_moment[at] = m;
    second_moment[at] = v;
    let update = (state.first * m + state.direct * g) / (sqrt(state.second * v) + params.eps);
    weight[at] = shrunk(w, lr, block.xy) - lr * update;
}
