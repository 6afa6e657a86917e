// dweight[i,o] = sum over n of x[n,i] * dy[n,o]; dbias[o] = sum over n of dy[n,o], from BIAS_OFFSET * 4 on.
// x: N,IN4*4  dy: N,OUT4*4  gradient: IN4*4,OUT4*4 and OUT4*4
// An invocation owns four outputs of one input; those past the last input own the bias.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let index = flat_group(group, groups) * WORKGROUP + local.x;
    let inputs = IN4 * 4u;
    let i = index / OUT4;
    let o = index % OUT4;
    if i > inputs {
        return;
    }
    var sum = vec4<f32>();
    for (var n = 0u; n < BATCH; n++) {
        var v = 1.0;
        if i < inputs {
            v = x[n * inputs + i];
        }
        sum = fma(vec4<f32>(v), dy[n * OUT4 + o], sum);
    }
    gradient[select(BIAS_OFFSET + o, index, i < inputs)] = sum;
}
