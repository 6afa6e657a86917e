// As conv/weight_gradient_gemm; what changed: cooperative matrices multiply tiles of f16 (lib/coop): x and dy are rounded to f16
// as they are loaded, sums are f32. Rows are taps x input channels, columns output channels, summed over are output pixels.
// x: N,C_IN4,H_IN,W_IN,4  dy: N,C_OUT4,H_OUT,W_OUT,4  partial: splits,stride (KERNEL,KERNEL,C_IN4*4,C_OUT4*4)
// Workgroups: x over blocks of 16 groups of rows, y over blocks of TILE_N4 output groups, z over splits: runs of output rows.
enable f16;
enable wgpu_cooperative_matrix;
struct Params { batch: u32, rows: u32, stride: u32, pad0: u32 } // output rows a split; words a split
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const ROW_GROUPS = KERNEL * KERNEL * C_IN4;
const OUT_PIXELS = H_OUT * W_OUT;
const IN_PIXELS = H_IN * W_IN;

// An invocation brings one pixel of two groups of rows and of one output group.
struct Job { first: u32, end: u32, m: u32, k: u32 } // its first pixel, the split's end, its first group of each

fn load_left(job: Job, step: u32, i: u32) -> vec4<f32> {
    let p = job.first + step * DEPTH;
    let q = job.m + 8u * i;
    let tap = q / C_IN4;
    let h = p / W_OUT % H_OUT * STRIDE + tap / KERNEL - PAD; // below 0 wraps round
    let w = p % W_OUT * STRIDE + tap % KERNEL - PAD;
    let inside = p < job.end && h < H_IN && w < W_IN && q < ROW_GROUPS;
    let at = select(0u, (p / OUT_PIXELS * C_IN4 + q % C_IN4) * IN_PIXELS + h * W_IN + w, inside);
    return select(vec4<f32>(), x[at], inside);
}

fn load_right(job: Job, step: u32) -> vec4<f32> {
    let p = job.first + step * DEPTH;
    let inside = p < job.end && job.k < C_OUT4;
    let at = select(0u, (p / OUT_PIXELS * C_OUT4 + job.k) * OUT_PIXELS + p % OUT_PIXELS, inside);
    return select(vec4<f32>(), dy[at], inside);
}

fn keep_left(local: u32, i: u32, v: vec4<f32>) {
    let at = local % DEPTH * LEFT_PITCH + 4u * (local / DEPTH + 8u * i);
    tile_left[at] = f16(v.x);
    tile_left[at + 1u] = f16(v.y);
    tile_left[at + 2u] = f16(v.z);
    tile_left[at + 3u] = f16(v.w);
}

fn keep_right(local: u32, v: vec4<f32>) {
    if local / DEPTH < TILE_N4 {
        let at = local % DEPTH * RIGHT_PITCH + 4u * (local / DEPTH);
        tile_right[at] = f16(v.x);
        tile_right[at + 1u] = f16(v.y);
        tile_right[at + 2u] = f16(v.z);
        tile_right[at + 3u] = f16(v.w);
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let all = params.batch * H_OUT;
    let first = min(group.z * params.rows, all) * W_OUT;
    let end = min((group.z + 1u) * params.rows, all) * W_OUT;
    let m = group.x * ROWS / 4u;
    let k = group.y * TILE_N4;
    let job = Job(first + local.x % DEPTH, end, m + local.x / DEPTH, k + local.x / DEPTH);
    multiply(job, (end - first + DEPTH - 1u) / DEPTH, local.x, subgroup, subgroups);
    let row = 4u * m + local.x % ROWS;
    for (var i = local.x / ROWS; i < TILE_N4; i += WORKGROUP / ROWS) {
        if row < 4u * ROW_GROUPS && k + i < C_OUT4 {
            partial[group.z * (params.stride / 4u) + row * C_OUT4 + k + i] = out_at(local.x % ROWS, i);
        }
    }
}
