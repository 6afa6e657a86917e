// dweight[i,o] = sum over n of x[n,i] * dy[n,o]; dbias[o] = sum over n of dy[n,o], from bias_offset on.
// x: N,in4*4  dy: N,out4*4  gradient: in4*4,out4*4 and out4*4
// An invocation owns four outputs of one input; those past the last input own the bias.
struct Params { batch: u32, in4: u32, out4: u32, bias_offset: u32 } // offset in groups of four
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = flat_group(group, groups) * WORKGROUP + local;
    let inputs = params.in4 * 4u;
    let i = index / params.out4;
    let o = index % params.out4;
    if i > inputs {
        return;
    }
    var sum = vec4<f32>();
    for (var n = 0u; n < params.batch; n++) {
        var v = 1.0;
        if i < inputs {
            v = x[n * inputs + i];
        }
        sum = fma(vec4<f32>(v), dy[n * params.out4 + o], sum);
    }
    gradient[select(params.bias_offset + o, index, i < inputs)] = sum;
}
