// dweight[r,s,c,k] = sum over n,h,w of x[n, h*STRIDE+r-PAD, w*STRIDE+s-PAD, c] * dy[n,h,w,k]
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_OUT,W_OUT,4  partial: SPLITS,stride (KERNEL,KERNEL,C_IN4*4,C_OUT4*4)
// An invocation owns four output channels of one tap and input channel, for the images of one split (workgroup z).
struct Params { batch: u32, images: u32, stride: u32, pad0: u32 } // images a split; words a split
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let index = group.x * WORKGROUP + local.x;
    if index >= KERNEL * KERNEL * C_IN4 * 4u * C_OUT4 {
        return;
    }
    let k = index % C_OUT4;
    let c = index / C_OUT4 % (C_IN4 * 4u);
    let s = index / (C_OUT4 * C_IN4 * 4u) % KERNEL;
    let r = index / (C_OUT4 * C_IN4 * 4u * KERNEL);
    let end = min((group.z + 1u) * params.images, params.batch);
    var sum = vec4<f32>();
    for (var n = group.z * params.images; n < end; n++) {
        for (var h = 0u; h < H_OUT; h++) {
            let row = h * STRIDE + r - PAD; // below 0 wraps round and fails the test
            if row >= H_IN {
                continue;
            }
            for (var w = 0u; w < W_OUT; w++) {
                let column = w * STRIDE + s - PAD;
                if column < W_IN {
                    let v = x[((n * C_IN4 + c / 4u) * H_IN + row) * W_IN + column][c % 4u];
                    sum = fma(vec4<f32>(v), dy[((n * C_OUT4 + k) * H_OUT + h) * W_OUT + w], sum);
                }
            }
        }
    }
    partial[group.z * (params.stride / 4u) + index] = sum;
}
