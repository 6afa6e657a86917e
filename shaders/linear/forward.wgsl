// As linear/forward_naive; what changed: an invocation owns four outputs of IMAGES images, and a workgroup's invocations take
// neighbouring outputs of the same images, so that a load of x is the same for all of them and one of a weight serves IMAGES.
// x: N,IN4*4  weight: IN4*4,OUT4*4, bias OUT4*4 from BIAS_OFFSET * 4 on  y: N,OUT4*4
// Workgroups: x over groups of outputs, y over runs of IMAGES images.
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> weight: array<Four>;
@group(0) @binding(2) var<storage, read_write> y: array<Four>;

const IMAGES = 8u;

// Four inputs of an image times their weights, a column of w an input's.
fn add(image: u32, i: u32, w: mat4x4<f32>, sum: vec4<f32>) -> vec4<f32> {
    let v = four(x[min(image, BATCH - 1u) * IN4 + i]);
    return fma(vec4<f32>(v.w), w[3], fma(vec4<f32>(v.z), w[2], fma(vec4<f32>(v.y), w[1], fma(vec4<f32>(v.x), w[0], sum))));
}

fn store(image: u32, o: u32, sum: vec4<f32>) {
    if image < BATCH {
        y[image * OUT4 + o] = packed(sum);
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let o = group.x * WORKGROUP + local.x;
    if o >= OUT4 {
        return;
    }
    let n = group.y * IMAGES;
    let bias = four(weight[BIAS_OFFSET + o]);
    var low = mat4x4<f32>(bias, bias, bias, bias);
    var high = low;
    for (var i = 0u; i < IN4; i++) {
        let at = 4u * i * OUT4 + o;
        let w = mat4x4<f32>(
            four(weight[at]), four(weight[at + OUT4]),
            four(weight[at + 2u * OUT4]), four(weight[at + 3u * OUT4]),
        );
        low = mat4x4<f32>(
            add(n, i, w, low[0]), add(n + 1u, i, w, low[1]), add(n + 2u, i, w, low[2]), add(n + 3u, i, w, low[3]),
        );
        high = mat4x4<f32>(
            add(n + 4u, i, w, high[0]), add(n + 5u, i, w, high[1]), add(n + 6u, i, w, high[2]), add(n + 7u, i, w, high[3]),
        );
    }
    store(n, o, low[0]);
    store(n + 1u, o, low[1]);
    store(n + 2u, o, low[2]);
    store(n + 3u, o, low[3]);
    store(n + 4u, o, high[0]);
    store(n + 5u, o, high[1]);
    store(n + 6u, o, high[2]);
    store(n + 7u, o, high[3]);
}
