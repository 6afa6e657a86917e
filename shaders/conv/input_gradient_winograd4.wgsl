// As conv/input_gradient_direct, by Winograd's F(4x4,3x3) (lib/winograd4); what changed: a quarter of the multiply-adds, for
// drivers that run on the CPU. The weights were turned round and transposed before their transform.
// dy: N,C_OUT4,H_IN,W_IN,4  weight: U of lib/winograd4  dx: N,C_IN4,H_IN,W_IN,4
// Workgroups: a line over tiles of all images, times blocks of four input groups in z. With ACCUMULATE the sum is added to
// what dx holds.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> dy: array<Two>;
@group(0) @binding(1) var<storage, read> weight: array<Four>;
@group(0) @binding(2) var<storage, read_write> dx: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

const PLANES = C_OUT4;

fn load(p: Place, c: u32) -> vec2<f32> {
    return select(vec2<f32>(), two(dy[(p.pixel + c / 2u * PLANE) * 2u + c % 2u]), p.inside);
}

fn store(n: u32, h: u32, w: u32, c: u32, sum: vec4<f32>) {
    if c < C_IN4 {
        let at = ((n * C_IN4 + c) * H_IN + h) * W_IN + w;
        if ACCUMULATE {
            dx[at] = packed(four(dx[at]) + sum);
        } else {
            dx[at] = packed(sum);
        }
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let first = flat_group(group, groups) * WORKGROUP;
    if first < params.batch * TILES_H * TILES_W { // the same for the whole workgroup
        store_tile(convolve_tile(first + local.x, group.z, local.x, params.batch));
    }
}
