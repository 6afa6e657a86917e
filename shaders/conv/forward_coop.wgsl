// As conv/forward_gemm; what changed: cooperative matrices multiply tiles of f16 (lib/coop): x and weight are rounded to f16 as
// they are loaded, sums and y are f32. With STATISTICS a workgroup leaves the mean and the squared deviations of its 64 rows.
// x: N,C_IN4,H_IN,W_IN,4  weight: KERNEL,KERNEL,C_IN4*4,C_OUT4*4  y: N,C_OUT4,H_OUT,W_OUT,4  partial: chunks,2,C_OUT4*4
// Workgroups: a line over tiles of 64 output pixels of all images, times blocks of TILE_N4 output groups in z.
enable f16;
enable wgpu_cooperative_matrix;
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

fn leave_statistics(local: u32, chunk: u32, rows: u32, k: u32, v: vec4<f32>) {
    let left = rows - chunk * ROWS;
    let mean = lane_sums(local, v) / f32(min(ROWS, left)); // rows behind the last are zeros
    let d = select(vec4<f32>(), v - mean, local % ROWS < left);
    leave_moments(local, chunk, k, mean, lane_sums(local, d * d));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let chunk = flat_group(group, groups);
    let f = frame(params.batch);
    if chunk * ROWS >= f.rows { // the same for the whole workgroup
        return;
    }
    let row = chunk * ROWS + local.x % ROWS;
    multiply(Job(f, spot(f, row), local.x, group.z * TILE_N4), (f.k4 + 3u) / 4u, local.x, subgroup, subgroups);
    for (var i = 0u; i < TILE_N4; i += WORKGROUP / ROWS) {
        let own = local.x / ROWS + i;
        let k = group.z * TILE_N4 + own;
        let v = out_at(local.x % ROWS, own);
        if row < f.rows && k < C_OUT4 {
            y[(row / OUT_PIXELS * C_OUT4 + k) * OUT_PIXELS + row % OUT_PIXELS] = v;
        }
        if STATISTICS {
            leave_statistics(local.x, chunk, f.rows, k, v);
        }
    }
}
