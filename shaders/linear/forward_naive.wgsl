// y[n,o] = bias[o] + sum over i of x[n,i] * weight[i,o]. x: N,in4*4  weight: in4*4,out4*4, bias out4*4 from bias_offset on
// y: N,out4*4. An invocation owns four outputs of one image.
struct Params { batch: u32, in4: u32, out4: u32, bias_offset: u32 } // offset in groups of four
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.batch * params.out4 {
        return;
    }
    let n = id.x / params.out4;
    let o = id.x % params.out4;
    var sum = weight[params.bias_offset + o];
    for (var i = 0u; i < params.in4; i++) {
        let v = x[n * params.in4 + i];
        let at = 4u * i * params.out4 + o;
        sum = fma(vec4<f32>(v.x), weight[at], sum);
        sum = fma(vec4<f32>(v.y), weight[at + params.out4], sum);
        sum = fma(vec4<f32>(v.z), weight[at + 2u * params.out4], sum);
        sum = fma(vec4<f32>(v.w), weight[at + 3u * params.out4], sum);
    }
    y[id.x] = sum;
}
