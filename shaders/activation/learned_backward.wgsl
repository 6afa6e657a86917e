// dy becomes dx = dy * activation'(x), in place, and partial[chunk] = sum over the chunk's rows of dy * d activation / da:
// a's gradient once optimizer/reduce joins the chunks. Redraws the noise of activation/learned_forward.
// x, dy: N,C4,PIXELS,4  a: C4*4, or 4  partial: a chunk every STRIDE4 groups of four, C4 groups each; with one a for all
// (SHARE 0) a group of four every STRIDE4 for each chunk and each C4, its first word the sum of its channels, the others 0
// Workgroups: a line over chunks of rows, times channel groups in z.
struct Params { rows: u32, rows_per_chunk: u32, layer: u32, seed: u32, stride4: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read_write> dy: array<Four>;
@group(0) @binding(4) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(local.x, group.x, group.z, params.rows, params.rows_per_chunk);
    let own = select(a[p.c * SHARE], vec4<f32>(a[0].x), SHARE == 0u);
    var sum = Pair();
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        let v = four(x[i]);
        let d = real_channels(four(dy[i]), p.c);
        let u = draw(params.seed, row * C4 + p.c, state.step, params.layer);
        if NOISY || !STOCHASTIC {
            sum.a = fma(d, learned_gradient4(v, u, own), sum.a);
        }
        dy[i] = packed(d * learned_derivative4(v, u, own));
    }
    let sums = workgroup_sums(local.x, sum);
    if local.x == 0u && SHARE == 0u {
        let all = sums.a.x + sums.a.y + sums.a.z + sums.a.w;
        partial[(group.x * C4 + p.c) * params.stride4] = vec4<f32>(all, 0.0, 0.0, 0.0);
    } else if local.x == 0u {
        partial[group.x * params.stride4 + p.c] = sums.a;
    }
}
