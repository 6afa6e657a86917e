// As conv/input_gradient_naive, any shape; what changed: implicit GEMM (lib/gemm) over the input pixels of one phase (h, w
// modulo STRIDE): to all of them the same taps contribute, so that no product with a zero is made.
// dy: N,C_OUT4,H_OUT,W_OUT,4  weight: KERNEL,KERNEL,C_IN4*4,C_OUT4*4  dx: N,C_IN4,H_IN,W_IN,4
// Workgroups: a line over tiles of TILE_M input pixels of a phase of all images, times phases x blocks of TILE_N4 input groups
// in z. With ACCUMULATE the sum is added to what dx holds.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

fn store(f: Frame, row: u32, c: u32, v: vec4<f32>) {
    if row < f.rows && c < C_IN4 {
        let p = pixel(f, row);
        let at = (p.x * C_IN4 + c) * IN_PIXELS + (p.y * STRIDE + f.down) * W_IN + p.z * STRIDE + f.right;
        if ACCUMULATE {
            dx[at] += v;
        } else {
            dx[at] = v;
        }
    }
}

fn store_tile(f: Frame, row: u32, c: u32, t: Tile) {
    store(f, row, c, t.a[0]);
    store(f, row + LANES, c, t.a[1]);
    store(f, row + 2u * LANES, c, t.a[2]);
    store(f, row + 3u * LANES, c, t.a[3]);
    store(f, row + 4u * LANES, c, t.b[0]);
    store(f, row + 5u * LANES, c, t.b[1]);
    store(f, row + 6u * LANES, c, t.b[2]);
    store(f, row + 7u * LANES, c, t.b[3]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let first = flat_group(group, groups) * TILE_M;
    let f = frame(params.batch, group.z % (STRIDE * STRIDE));
    if first >= f.rows { // the same for the whole workgroup
        return;
    }
    let block = group.z / (STRIDE * STRIDE) * TILE_N4;
    let made = gemm(f, first, block, local.x);
    let c = block + local.x / LANES;
    store_tile(f, first + local.x % LANES, c, made.first);
    if BLOCKS == 2u {
        store_tile(f, first + local.x % LANES, c + LANES_N, made.second);
    }
}
