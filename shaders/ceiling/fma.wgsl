// The most multiply-adds that the device does, to compare other kernels with: 16 numbers an invocation, each of which
// becomes factor * v + term 8 * rounds times; none waits for another.
// y: the sums of four each, a group of four an invocation
struct Params { count: u32, rounds: u32, factor: f32, term: f32 } // groups of four
@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(1) var<uniform> params: Params;

fn step(v: mat4x4<f32>, factor: vec4<f32>, term: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        fma(factor, v[0], term), fma(factor, v[1], term), fma(factor, v[2], term), fma(factor, v[3], term),
    );
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at >= params.count {
        return;
    }
    let factor = vec4<f32>(params.factor);
    let term = vec4<f32>(params.term);
    let a = vec4<f32>(f32(at % 16u)) + vec4<f32>(0.0, 0.25, 0.5, 0.75);
    var v = mat4x4<f32>(a, a + 16.0, a + 32.0, a + 48.0);
    for (var round = 0u; round < params.rounds; round++) {
        v = step(step(step(step(v, factor, term), factor, term), factor, term), factor, term);
        v = step(step(step(step(v, factor, term), factor, term), factor, term), factor, term);
    }
    y[at] = (v[0] + v[1]) + (v[2] + v[3]);
}
