// As conv/input_gradient_naive for KERNEL 3, STRIDE 2, PAD 1; what changed: an invocation owns 2x2 input pixels x 8
// channels, to which the same four output pixels contribute, each tap once.
// dy: N,C_OUT4,H_OUT,W_OUT,4  weight: 3,3,C_IN4*4,C_OUT4*4  dx: N,C_IN4,H_IN,W_IN,4
// Workgroups: a line over 2x2 blocks of all images, times pairs of input groups in z. With ACCUMULATE the sum is added to what dx holds.
struct Params { batch: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> dy: array<Four>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

const BLOCKS_H = (H_IN + 1u) / 2u;
const BLOCKS_W = (W_IN + 1u) / 2u;

fn load(n: u32, h: u32, w: u32, k: u32) -> vec4<f32> {
    let inside = h < H_OUT && w < W_OUT;
    let at = select(0u, ((n * C_OUT4 + k) * H_OUT + h) * W_OUT + w, inside);
    return select(vec4<f32>(), four(dy[at]), inside);
}

fn multiply(v: vec4<f32>, tap: u32, c: u32, k: u32, sum: vec4<f32>) -> vec4<f32> {
    let at = (tap * C_IN4 + c) * 4u * C_OUT4 + k;
    return sum + vec4<f32>(
        dot(v, weight[at]), dot(v, weight[at + C_OUT4]),
        dot(v, weight[at + 2u * C_OUT4]), dot(v, weight[at + 3u * C_OUT4]),
    );
}

// 2x2 pixels: of the upper row, of the lower.
struct Block { a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32> }

fn add(g: Block, c: u32, k: u32, s: Block) -> Block {
    return Block(
        multiply(g.a, 4u, c, k, s.a),
        multiply(g.b, 3u, c, k, multiply(g.a, 5u, c, k, s.b)),
        multiply(g.c, 1u, c, k, multiply(g.a, 7u, c, k, s.c)),
        multiply(g.b, 6u, c, k, multiply(g.a, 8u, c, k, multiply(g.d, 0u, c, k, multiply(g.c, 2u, c, k, s.d)))),
    );
}

fn store(n: u32, h: u32, w: u32, c: u32, sum: vec4<f32>) {
    if h < H_IN && w < W_IN {
        let at = ((n * C_IN4 + c) * H_IN + h) * W_IN + w;
        if ACCUMULATE {
            dx[at] = packed(four(dx[at]) + sum);
        } else {
            dx[at] = packed(sum);
        }
    }
}

fn store_block(n: u32, h: u32, w: u32, c: u32, s: Block) {
    store(n, 2u * h, 2u * w, c, s.a);
    store(n, 2u * h, 2u * w + 1u, c, s.b);
    store(n, 2u * h + 1u, 2u * w, c, s.c);
    store(n, 2u * h + 1u, 2u * w + 1u, c, s.d);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let block = flat_group(group, groups) * WORKGROUP + local.x;
    let c = group.z * 2u;
    let other = min(c + 1u, C_IN4 - 1u);
    let w = block % BLOCKS_W;
    let h = block / BLOCKS_W % BLOCKS_H;
    let n = block / (BLOCKS_W * BLOCKS_H);
    if n >= params.batch {
        return;
    }
    var first = Block();
    var second = Block();
    for (var k = 0u; k < C_OUT4; k++) {
        let g = Block(load(n, h, w, k), load(n, h, w + 1u, k), load(n, h + 1u, w, k), load(n, h + 1u, w + 1u, k));
        first = add(g, c, k, first);
        second = add(g, other, k, second);
    }
    store_block(n, h, w, c, first);
    if c + 1u < C_IN4 {
        store_block(n, h, w, other, second);
    }
}
