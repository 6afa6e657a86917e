// dx[n,i] = sum over o of dy[n,o] * weight[i,o]. dy: N,OUT4*4  weight: IN4*4,OUT4*4  dx: N,IN4*4
// An invocation owns four inputs of one image.
@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= BATCH * IN4 {
        return;
    }
    let n = id.x / IN4;
    let i = id.x % IN4;
    var sum = vec4<f32>();
    for (var o = 0u; o < OUT4; o++) {
        let v = dy[n * OUT4 + o];
        let at = 4u * i * OUT4 + o;
        sum += vec4<f32>(
            dot(v, weight[at]), dot(v, weight[at + OUT4]),
            dot(v, weight[at + 2u * OUT4]), dot(v, weight[at + 3u * OUT4]),
        );
    }
    dx[id.x] = sum;
}
