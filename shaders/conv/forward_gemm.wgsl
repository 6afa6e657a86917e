// As conv/forward_naive, any shape; what changed: implicit GEMM (lib/gemm): pixels and weights of a tile are loaded once into
// workgroup memory, where each serves 4 * TILE_N4 channels or TILE_M pixels. With STATISTICS a workgroup leaves the mean and
// the squared deviations of its TILE_M rows.
// x: N,C_IN4,H_IN,W_IN,4  weight: KERNEL,KERNEL,C_IN4*4,C_OUT4*4  y: N,C_OUT4,H_OUT,W_OUT,4  partial: chunks,2,C_OUT4*4
// Workgroups: a line over tiles of TILE_M output pixels of all images, times blocks of TILE_N4 output groups in z.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

fn store(row: u32, rows: u32, k: u32, v: vec4<f32>) {
    if row < rows && k < C_OUT4 {
        y[(row / OUT_PIXELS * C_OUT4 + k) * OUT_PIXELS + row % OUT_PIXELS] = v;
    }
}

fn store_tile(row: u32, rows: u32, k: u32, t: Tile) {
    store(row, rows, k, t.a[0]);
    store(row + LANES, rows, k, t.a[1]);
    store(row + 2u * LANES, rows, k, t.a[2]);
    store(row + 3u * LANES, rows, k, t.a[3]);
    store(row + 4u * LANES, rows, k, t.b[0]);
    store(row + 5u * LANES, rows, k, t.b[1]);
    store(row + 6u * LANES, rows, k, t.b[2]);
    store(row + 7u * LANES, rows, k, t.b[3]);
}

fn sum(m: mat4x4<f32>) -> vec4<f32> {
    return (m[0] + m[1]) + (m[2] + m[3]);
}

// Rows from `rows` on do not count.
fn squares(m: mat4x4<f32>, row: u32, rows: u32, mean: vec4<f32>) -> vec4<f32> {
    let zero = vec4<f32>();
    let a = select(zero, m[0] - mean, row < rows);
    let b = select(zero, m[1] - mean, row + LANES < rows);
    let c = select(zero, m[2] - mean, row + 2u * LANES < rows);
    let d = select(zero, m[3] - mean, row + 3u * LANES < rows);
    return (a * a + b * b) + (c * c + d * d);
}

fn leave_statistics(local: u32, chunk: u32, rows: u32, k: u32, t: Tile) {
    let row = chunk * TILE_M + local % LANES;
    let count = f32(min(TILE_M, rows - chunk * TILE_M));
    let mean = lane_sums(local, sum(t.a) + sum(t.b)) / count;
    let own = squares(t.a, row, rows, mean) + squares(t.b, row + 4u * LANES, rows, mean);
    leave_moments(local, chunk, k, mean, lane_sums(local, own));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let chunk = flat_group(group, groups);
    let f = frame(params.batch);
    if chunk * TILE_M >= f.rows { // the same for the whole workgroup
        return;
    }
    let made = gemm(f, chunk * TILE_M, group.z * TILE_N4, local.x);
    let row = chunk * TILE_M + local.x % LANES;
    let k = group.z * TILE_N4 + local.x / LANES;
    store_tile(row, f.rows, k, made.first);
    if BLOCKS == 2u {
        store_tile(row, f.rows, k + LANES_N, made.second);
    }
    if STATISTICS {
        leave_statistics(local.x, chunk, f.rows, k, made.first);
        if BLOCKS == 2u {
            leave_statistics(local.x, chunk, f.rows, k + LANES_N, made.second);
        }
    }
}
