// As conv/forward_naive for KERNEL 3, STRIDE 1, PAD 1; what changed: regions of 8x8 pixels with their halo go through workgroup
// memory, loaded once for all nine taps (lib/tiled3x3). With STATISTICS a workgroup leaves the mean and the squared deviations of
// its regions (H_IN and W_IN must be multiples of eight then: a chunk is 64 * REGIONS pixels).
// x: N,C_IN4,H_IN,W_IN,4  weight: 3,3,C_IN4*4,C_OUT4*4  y: N,C_OUT4,H_IN,W_IN,4  partial: chunks,2,C_OUT4*4
// Workgroups: a line over REGIONS regions of all images, times blocks of TILE_N4 output groups in z.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

const PLANES = C_IN4;
const OWN = C_OUT4;

fn load(at: u32) -> vec4<f32> {
    return x[at];
}

fn weight_row(tap: u32, c: u32, j: u32, k: u32) -> vec4<f32> {
    return select(vec4<f32>(), weight[select(0u, ((tap * C_IN4 + c) * 4u + j) * C_OUT4 + k, k < C_OUT4)], k < C_OUT4);
}

fn store(at: u32, v: vec4<f32>) {
    y[at] = v;
}

fn sum(t: Tile) -> vec4<f32> {
    return ((t.r0[0] + t.r0[1]) + (t.r1[0] + t.r1[1])) + ((t.r2[0] + t.r2[1]) + (t.r3[0] + t.r3[1]));
}

fn squares(m: mat2x4<f32>, mean: vec4<f32>) -> vec4<f32> {
    let a = m[0] - mean;
    let b = m[1] - mean;
    return a * a + b * b;
}

// Of `regions` real regions; those behind the last image do not count.
fn leave_statistics(local: u32, chunk: u32, regions: u32, k: u32, t: Tile) {
    let mean = lane_sums(local, sum(t)) / f32(64u * regions);
    let own = (squares(t.r0, mean) + squares(t.r1, mean)) + (squares(t.r2, mean) + squares(t.r3, mean));
    let real = lane_place(local).x < regions;
    leave_moments(local, chunk, k, mean, lane_sums(local, select(vec4<f32>(), own, real)));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let chunk = flat_group(group, groups);
    let first = chunk * REGIONS;
    let all = params.batch * REGIONS_H * REGIONS_W;
    if first >= all { // the same for the whole workgroup
        return;
    }
    let made = convolve(first, group.z * TILE_N4, params.batch, local.x);
    let k = group.z * TILE_N4 + local.x / LANES;
    store_tile(first, params.batch, local.x, k, made.first);
    store_tile(first, params.batch, local.x, k + LANES_N, made.second);
    if STATISTICS {
        let regions = min(REGIONS, all - first);
        leave_statistics(local.x, chunk, regions, k, made.first);
        leave_statistics(local.x, chunk, regions, k + LANES_N, made.second);
    }
}
