// From dy to dz = dy * activation'(z), in place (it is also the shortcut's gradient), and for each chunk of rows
// partial[chunk] = (sum of dz, sum of dz * xhat): beta's and gamma's gradients once batchnorm/backward_finalize joins them.
// x, dy: N,C4,PIXELS,4  saved: 2,C4*4  affine: gamma, beta  shortcut: lib/normalize  partial: chunks,2,C4*4
// Redraws the noise of batchnorm/forward. Workgroups: a line over chunks, times channel groups in z.
struct Params {
    rows: u32, rows_per_chunk: u32, affine_offset: u32, layer: u32, // offset in groups of four
    seed: u32, height: u32, width: u32, shortcut_height: u32,
    shortcut_width: u32, pad0: u32, pad1: u32, pad2: u32,
}
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> saved: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> shortcut: array<Four>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<storage, read_write> dy: array<Four>;
@group(0) @binding(6) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(local.x, group.x, group.z, params.rows, params.rows_per_chunk);
    let ch = channel(p.c);
    var own = Pair();
    let seed = params.seed;
    let step = state.step;
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        // First, for its chain of products runs while the loads wait.
        let noise = draw(seed, row * C4 + p.c, step, params.layer);
        let i = at(row, p.c);
        let xhat = normalized(four(x[i]), ch);
        let z = fma(xhat, ch.gamma, ch.beta) + shortcut_at(row, p.c);
        let dz = four(dy[i]) * derivative4(z, noise);
        dy[i] = packed(dz);
        own.a += dz;
        own.b = fma(dz, xhat, own.b);
    }
    let sums = workgroup_sums(local.x, own);
    if local.x == 0u {
        partial[2u * group.x * C4 + p.c] = sums.a;
        partial[(2u * group.x + 1u) * C4 + p.c] = sums.b;
    }
}
