// dx[n,h,w,c] = sum over r,s,k of dy[n, (h+PAD-r)/STRIDE, (w+PAD-s)/STRIDE, k] * weight[r,s,c,k], where the divisions are
// exact. dy: N,C_OUT4,H_OUT,W_OUT,4  weight: KERNEL,KERNEL,C_IN4*4,C_OUT4*4  dx: N,C_IN4,H_IN,W_IN,4
// An invocation owns four channels of one input pixel. With ACCUMULATE the sum is added to what dx holds.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let index = flat_group(group, groups) * WORKGROUP + local.x;
    if index >= params.batch * H_IN * W_IN * C_IN4 {
        return;
    }
    let w = index % W_IN;
    let h = index / W_IN % H_IN;
    let c = index / (W_IN * H_IN) % C_IN4;
    let n = index / (W_IN * H_IN * C_IN4);
    var sum = vec4<f32>();
    for (var r = 0u; r < KERNEL; r++) {
        for (var s = 0u; s < KERNEL; s++) {
            let down = h + PAD - r; // below 0 wraps round and fails the test
            let right = w + PAD - s;
            if down % STRIDE == 0u && right % STRIDE == 0u && down / STRIDE < H_OUT && right / STRIDE < W_OUT {
                let pixel = down / STRIDE * W_OUT + right / STRIDE;
                for (var k = 0u; k < C_OUT4; k++) {
                    let v = dy[(n * C_OUT4 + k) * H_OUT * W_OUT + pixel];
                    let at = ((r * KERNEL + s) * C_IN4 + c) * 4u * C_OUT4 + k;
                    sum += vec4<f32>(
                        dot(v, weight[at]),
                        dot(v, weight[at + C_OUT4]),
                        dot(v, weight[at + 2u * C_OUT4]),
                        dot(v, weight[at + 3u * C_OUT4]),
                    );
                }
            }
        }
    }
    if ACCUMULATE {
        sum += dx[index];
    }
    dx[index] = sum;
}
