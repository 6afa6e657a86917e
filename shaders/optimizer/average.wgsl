// Exponential moving average of the weights: average += (1 - d) * (w - average), d = min(decay, (1 + t) / (10 + t)) at step t
// from 0, so that the first weights are soon forgotten (tf.train.ExponentialMovingAverage with num_updates).
// weight, average: words in groups of four. An invocation owns one group of four.
struct Params { count: u32, rest: f32, pad0: u32, pad1: u32 } // groups of four; 1 - decay, rounded once
@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<storage, read_write> average: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at < params.count {
        let rest = max(params.rest, 9.0 / (10.0 + f32(state.step))); // 1 - (1 + t) / (10 + t)
        average[at] += rest * (weight[at] - average[at]);
    }
}
