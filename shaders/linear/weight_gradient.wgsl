// As linear/weight_gradient_naive; what changed: an invocation owns four outputs of eight inputs, and a workgroup's invocations
// take neighbouring outputs of the same inputs, so that a load of x is the same for all of them and one of dy serves eight.
// x: N,IN4*4  dy: N,OUT4*4  gradient: IN4*4,OUT4*4, and the bias's OUT4*4 from BIAS_OFFSET * 4 on
// Workgroups: x over groups of outputs, y over runs of two groups of inputs; those of the first run own the bias.
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;
@group(0) @binding(2) var<storage, read_write> gradient: array<Four>;

fn add(v: vec4<f32>, g: vec4<f32>, sum: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        fma(vec4<f32>(v.x), g, sum[0]), fma(vec4<f32>(v.y), g, sum[1]),
        fma(vec4<f32>(v.z), g, sum[2]), fma(vec4<f32>(v.w), g, sum[3]),
    );
}

fn store(i: u32, o: u32, sum: mat4x4<f32>) {
    let at = 4u * i * OUT4 + o;
    gradient[at] = packed(sum[0]);
    gradient[at + OUT4] = packed(sum[1]);
    gradient[at + 2u * OUT4] = packed(sum[2]);
    gradient[at + 3u * OUT4] = packed(sum[3]);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let o = group.x * WORKGROUP + local.x;
    if o >= OUT4 {
        return;
    }
    let i = 2u * group.y;
    let next = min(i + 1u, IN4 - 1u);
    var low = mat4x4<f32>();
    var high = mat4x4<f32>();
    var bias = vec4<f32>();
    for (var n = 0u; n < BATCH; n++) {
        let g = four(dy[n * OUT4 + o]);
        low = add(four(x[n * IN4 + i]), g, low);
        high = add(four(x[n * IN4 + next]), g, high);
        bias += g;
    }
    store(i, o, low);
    if i + 1u < IN4 {
        store(i + 1u, o, high);
    }
    if i == 0u {
        gradient[BIAS_OFFSET + o] = packed(bias);
    }
}
