// y[n,o] = bias[o] + sum over i of x[n,i] * weight[i,o]. x: N,IN4*4  weight: IN4*4,OUT4*4, bias OUT4*4 from BIAS_OFFSET * 4 on
// y: N,OUT4*4. An invocation owns four outputs of one image.
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= BATCH * OUT4 {
        return;
    }
    let n = id.x / OUT4;
    let o = id.x % OUT4;
    var sum = weight[BIAS_OFFSET + o];
    for (var i = 0u; i < IN4; i++) {
        let v = x[n * IN4 + i];
        let at = 4u * i * OUT4 + o;
        sum = fma(vec4<f32>(v.x), weight[at], sum);
        sum = fma(vec4<f32>(v.y), weight[at + OUT4], sum);
        sum = fma(vec4<f32>(v.z), weight[at + 2u * OUT4], sum);
        sum = fma(vec4<f32>(v.w), weight[at + 3u * OUT4], sum);
    }
    y[id.x] = sum;
}
