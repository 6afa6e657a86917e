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

var<workgroup> means: array<vec4<f32>, WORKGROUP * BLOCKS>;
var<workgroup> deviations: array<vec4<f32>, WORKGROUP * BLOCKS>;

// Statistics of a tile's 16 pixels.
fn put_statistics(place: u32, t: Tile) {
    let mean = ((columns(t.r0) + columns(t.r1)) + (columns(t.r2) + columns(t.r3))) / 16.0;
    means[place] = mean;
    deviations[place] = (squares(t.r0, mean) + squares(t.r1, mean)) + (squares(t.r2, mean) + squares(t.r3, mean));
}

// Joins those of the workgroup's `tiles` real tiles (Chan, Golub, LeVeque 1983).
fn join_statistics(first: u32, tiles: u32, chunk: u32, k: u32) {
    let origin = means[first];
    var shift = vec4<f32>();
    var square = deviations[first];
    for (var i = 1u; i < tiles; i++) {
        let d = means[first + i] - origin;
        shift += d;
        square += fma(vec4<f32>(16.0), d * d, deviations[first + i]);
    }
    shift /= f32(tiles);
    partial[2u * chunk * C_OUT4 + k] = origin + shift;
    partial[(2u * chunk + 1u) * C_OUT4 + k] = max(square - f32(16u * tiles) * shift * shift, vec4<f32>());
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let chunk = flat_group(group, groups);
    let made = convolve_tile(chunk * WORKGROUP + local.x, group.z, params.batch);
    store_blocks(made);
    if STATISTICS {
        put_statistics(local.x, made.first);
        if BLOCKS == 2u {
            put_statistics(WORKGROUP + local.x, made.second);
        }
        workgroupBarrier();
        let all = params.batch * TILES_H * TILES_W;
        if local.x == 0u && chunk * WORKGROUP < all {
            let tiles = min(WORKGROUP, all - chunk * WORKGROUP);
            join_statistics(0u, tiles, chunk, made.k);
            if BLOCKS == 2u && made.k + 1u < C_OUT4 {
                join_statistics(WORKGROUP, tiles, chunk, made.k + 1u);
            }
        }
    }
}
