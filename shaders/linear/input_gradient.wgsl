// As linear/input_gradient_naive; what changed: an invocation owns one input of IMAGES images, and a workgroup's invocations
// take neighbouring inputs of the same images, so that a load of dy is the same for all of them and one of four weights serves
// IMAGES.
// dy: N,OUT4*4  weight: IN4*4,OUT4*4  dx: N,IN4*4
// Workgroups: x over inputs, y over runs of IMAGES images.
@group(0) @binding(0) var<storage, read> dy: array<Four>;
@group(0) @binding(1) var<storage, read> weight: array<Four>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

const IMAGES = 8u;

fn add(image: u32, o: u32, w: vec4<f32>, sum: f32) -> f32 {
    let v = four(dy[min(image, BATCH - 1u) * OUT4 + o]);
    return fma(v.w, w.w, fma(v.z, w.z, fma(v.y, w.y, fma(v.x, w.x, sum))));
}

fn store(image: u32, i: u32, sum: f32) {
    if image < BATCH {
        dx[image * IN4 * 4u + i] = sum;
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let i = group.x * WORKGROUP + local.x;
    if i >= 4u * IN4 {
        return;
    }
    let n = group.y * IMAGES;
    var low = vec4<f32>();
    var high = vec4<f32>();
    for (var o = 0u; o < OUT4; o++) {
        let w = four(weight[i * OUT4 + o]);
        low = vec4<f32>(add(n, o, w, low.x), add(n + 1u, o, w, low.y), add(n + 2u, o, w, low.z), add(n + 3u, o, w, low.w));
        high = vec4<f32>(
            add(n + 4u, o, w, high.x), add(n + 5u, o, w, high.y), add(n + 6u, o, w, high.z), add(n + 7u, o, w, high.w),
        );
    }
    store(n, i, low.x);
    store(n + 1u, i, low.y);
    store(n + 2u, i, low.z);
    store(n + 3u, i, low.w);
    store(n + 4u, i, high.x);
    store(n + 5u, i, high.y);
    store(n + 6u, i, high.z);
    store(n + 7u, i, high.w);
}
