// As conv/input_gradient_gemm; what changed: cooperative matrices multiply tiles of f16 (lib/coop): dy and weight are rounded to
// f16 as they are loaded, sums and dx are f32.
// dy: N,C_OUT4,H_OUT,W_OUT,4  weight: KERNEL,KERNEL,C_IN4*4,C_OUT4*4  dx: N,C_IN4,H_IN,W_IN,4
// Workgroups: a line over tiles of 64 input pixels of a phase of all images, times phases x blocks of TILE_N4 input groups in z.
// With ACCUMULATE the sum is added to what dx holds.
enable f16;
enable wgpu_cooperative_matrix;
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
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let f = frame(params.batch, group.z % (STRIDE * STRIDE));
    let first = flat_group(group, groups) * ROWS;
    if first >= f.rows { // the same for the whole workgroup
        return;
    }
    let row = first + local.x % ROWS;
    let block = group.z / (STRIDE * STRIDE) * TILE_N4;
    multiply(Job(f, spot(f, row), local.x, block), (f.k4 + 3u) / 4u, local.x, subgroup, subgroups);
    let p = pixel(f, row);
    let place = p.x * C_IN4 * IN_PIXELS + (p.y * STRIDE + f.down) * W_IN + p.z * STRIDE + f.right;
    for (var i = local.x / ROWS; i < TILE_N4; i += WORKGROUP / ROWS) {
        let c = block + i;
        if row < f.rows && c < C_IN4 {
            let at = place + c * IN_PIXELS;
            if ACCUMULATE {
                dx[at] += out_at(local.x % ROWS, i);
            } else {
                dx[at] = out_at(local.x % ROWS, i);
            }
        }
    }
}
