// y[n,h,w,k] = sum over r,s,c of x[n, h*STRIDE+r-PAD, w*STRIDE+s-PAD, c] * weight[r,s,c,k]
// x: N,C_IN4,H_IN,W_IN,4  weight: KERNEL,KERNEL,C_IN4*4,C_OUT4*4  y: N,C_OUT4,H_OUT,W_OUT,4
// An invocation owns four channels of one output pixel. The first rung: no tile, no reuse.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let index = flat_group(group, groups) * WORKGROUP + local.x;
    if index >= params.batch * H_OUT * W_OUT * C_OUT4 {
        return;
    }
    let w = index % W_OUT;
    let h = index / W_OUT % H_OUT;
    let k = index / (W_OUT * H_OUT) % C_OUT4;
    let n = index / (W_OUT * H_OUT * C_OUT4);
    var sum = vec4<f32>();
    for (var r = 0u; r < KERNEL; r++) {
        for (var s = 0u; s < KERNEL; s++) {
            let row = h * STRIDE + r - PAD; // below 0 wraps round and fails the test
            let column = w * STRIDE + s - PAD;
            if row < H_IN && column < W_IN {
                for (var c = 0u; c < C_IN4; c++) {
                    let v = x[((n * C_IN4 + c) * H_IN + row) * W_IN + column];
                    let at = ((r * KERNEL + s) * C_IN4 + c) * 4u * C_OUT4 + k;
                    sum = fma(vec4<f32>(v.x), weight[at], sum);
                    sum = fma(vec4<f32>(v.y), weight[at + C_OUT4], sum);
                    sum = fma(vec4<f32>(v.z), weight[at + 2u * C_OUT4], sum);
                    sum = fma(vec4<f32>(v.w), weight[at + 3u * C_OUT4], sum);
                }
            }
        }
    }
    y[index] = sum;
}
