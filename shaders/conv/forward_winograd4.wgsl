// As conv/forward_direct, by Winograd's F(4x4,3x3) with transformed weights (lib/winograd4); what changed: a quarter of the
// multiply-adds, for drivers that run on the CPU. With STATISTICS a workgroup leaves the mean and the squared deviations of
// what it made (H_IN and W_IN must be multiples of four then: a chunk is 16 * WORKGROUP pixels).
// x: N,C_IN4,H_IN,W_IN,4  weight: U of lib/winograd4  y: N,C_OUT4,H_IN,W_IN,4  partial: chunks,2,C_OUT4*4
// Workgroups: a line over tiles of all images, times blocks of four output groups in z.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<Two>;
@group(0) @binding(1) var<storage, read> weight: array<Four>;
@group(0) @binding(2) var<storage, read_write> y: array<Four>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const PLANES = C_IN4;

fn load(p: Place, c: u32) -> vec2<f32> {
    return select(vec2<f32>(), two(x[(p.pixel + c / 2u * PLANE) * 2u + c % 2u]), p.inside);
}

fn store(n: u32, h: u32, w: u32, k: u32, sum: vec4<f32>) {
    if k < C_OUT4 {
        y[((n * C_OUT4 + k) * H_IN + h) * W_IN + w] = packed(sum);
    }
}

fn quad_sum(v: Quad) -> mat4x4<f32> {
    return (v.a + v.b) + (v.c + v.d);
}

fn square(m: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(m[0] * m[0], m[1] * m[1], m[2] * m[2], m[3] * m[3]);
}

fn squares(v: Quad, mean: mat4x4<f32>) -> mat4x4<f32> {
    return (square(v.a - mean) + square(v.b - mean)) + (square(v.c - mean) + square(v.d - mean));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let chunk = flat_group(group, groups);
    let all = params.batch * TILES_H * TILES_W;
    if chunk * WORKGROUP >= all { // the same for the whole workgroup
        return;
    }
    let made = convolve_tile(chunk * WORKGROUP + local.x, group.z, local.x, params.batch);
    store_tile(made);
    if STATISTICS {
        let mean = 0.0625 * ((quad_sum(made.a) + quad_sum(made.b)) + (quad_sum(made.c) + quad_sum(made.d)));
        let m2 = (squares(made.a, mean) + squares(made.b, mean)) + (squares(made.c, mean) + squares(made.d, mean));
        let place = Chunk(local.x, chunk, min(WORKGROUP, all - chunk * WORKGROUP), 16.0);
        leave_statistics(place, made.k, Moments(mean[0], m2[0]), Moments(mean[1], m2[1]));
        leave_statistics(place, made.k + 2u, Moments(mean[2], m2[2]), Moments(mean[3], m2[3]));
    }
}
