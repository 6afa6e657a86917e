// As conv/forward_naive for KERNEL 3, STRIDE 1, PAD 1; what changed: a tile of 4x4 pixels x 4 or 8 channels stays in registers
// (lib/direct3x3), and with STATISTICS a workgroup leaves the mean and the squared deviations of what it made (H_IN and W_IN
// must be multiples of four then: a chunk is 16 * WORKGROUP pixels).
// x: N,C_IN4,H_IN,W_IN,4  weight: 3,3,C_IN4*4,C_OUT4*4  y: N,C_OUT4,H_IN,W_IN,4  partial: chunks,2,C_OUT4*4
// Workgroups: a line over tiles of all images, times blocks of BLOCKS output groups in z.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<Four>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

const PLANES = C_IN4;
const OWN = C_OUT4;

fn load(p: Place, c: u32) -> vec4<f32> {
    return select(vec4<f32>(), four(x[p.pixel + c * PLANE]), p.inside);
}

fn weights(tap: u32, c: u32, k: u32) -> mat4x4<f32> {
    let at = (tap * C_IN4 + c) * 4u * C_OUT4 + k;
    return mat4x4<f32>(weight[at], weight[at + C_OUT4], weight[at + 2u * C_OUT4], weight[at + 3u * C_OUT4]);
}

fn store(n: u32, h: u32, w: u32, k: u32, sum: vec4<f32>) {
    if h < H_IN && w < W_IN {
        y[((n * C_OUT4 + k) * H_IN + h) * W_IN + w] = packed(sum);
    }
}

fn columns(m: mat4x4<f32>) -> vec4<f32> {
    return (m[0] + m[1]) + (m[2] + m[3]);
}

fn squares(m: mat4x4<f32>, mean: vec4<f32>) -> vec4<f32> {
    let a = m[0] - mean;
    let b = m[1] - mean;
    let c = m[2] - mean;
    let d = m[3] - mean;
    return (a * a + b * b) + (c * c + d * d);
}

// Statistics of a tile's 16 pixels, joined over the workgroup's `tiles` real tiles (Chan, Golub, LeVeque 1983).
fn leave_statistics(local: u32, chunk: u32, tiles: u32, k: u32, real: bool, t: Tile) {
    let mean = ((columns(t.r0) + columns(t.r1)) + (columns(t.r2) + columns(t.r3))) / 16.0;
    let m2 = (squares(t.r0, mean) + squares(t.r1, mean)) + (squares(t.r2, mean) + squares(t.r3, mean));
    let zero = vec4<f32>();
    let sums = workgroup_sums(local, Pair(select(zero, mean, real), select(zero, m2, real)));
    let centre = sums.a / f32(tiles);
    let d = select(zero, mean - centre, real);
    workgroupBarrier();
    let spread = workgroup_sums(local, Pair(d * d, zero));
    if local == 0u && k < C_OUT4 {
        partial[2u * chunk * C_OUT4 + k] = centre;
        partial[(2u * chunk + 1u) * C_OUT4 + k] = fma(vec4<f32>(16.0), spread.a, sums.b);
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let chunk = flat_group(group, groups);
    let made = convolve_tile(chunk * WORKGROUP + local, group.z, params.batch);
    store_blocks(made);
    if STATISTICS {
        let all = params.batch * TILES_H * TILES_W;
        if chunk * WORKGROUP >= all { // the same for the whole workgroup
            return;
        }
        let tiles = min(WORKGROUP, all - chunk * WORKGROUP);
        leave_statistics(local, chunk, tiles, made.k, made.real, made.first);
        if BLOCKS == 2u {
            workgroupBarrier();
            leave_statistics(local, chunk, tiles, made.k + 1u, made.real, made.second);
        }
    }
}
