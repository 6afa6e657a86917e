// The whole gradient's norm and the factor that clips it, as torch.nn.utils.clip_grad_norm_: min(1, most / (norm + 1e-6)).
// sums: `count` sums of squares by optimizer/square_sum. One workgroup.
struct Params { count: u32, most: f32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> sums: array<f32>;
@group(0) @binding(1) var<storage, read_write> state: State;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_id) local: vec3<u32>) {
    var own = 0.0;
    for (var at = local.x; at < params.count; at += WORKGROUP) {
        own += sums[at];
    }
    let sum = workgroup_sums(local.x, Pair(vec4<f32>(own), vec4<f32>())).a.x;
    if local.x == 0u {
        let norm = sqrt(sum);
        state.norm = norm;
        state.factor = min(1.0, params.most / (norm + 1e-6));
    }
}
