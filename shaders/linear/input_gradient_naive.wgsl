// dx[n,i] = sum over o of dy[n,o] * weight[i,o]. dy: N,out4*4  weight: in4*4,out4*4  dx: N,in4*4
// An invocation owns four inputs of one image.
struct Params { batch: u32, in4: u32, out4: u32, bias_offset: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.batch * params.in4 {
        return;
    }
    let n = id.x / params.in4;
    let i = id.x % params.in4;
    var sum = vec4<f32>();
    for (var o = 0u; o < params.out4; o++) {
        let v = dy[n * params.out4 + o];
        let at = 4u * i * params.out4 + o;
        sum += vec4<f32>(
            dot(v, weight[at]), dot(v, weight[at + params.out4]),
            dot(v, weight[at + 2u * params.out4]), dot(v, weight[at + 3u * params.out4]),
        );
    }
    dx[id.x] = sum;
}
