// From dy to dz = dy * activation'(z), in place (it is also the shortcut's gradient), and for each chunk of rows
// partial[chunk] = (sum of dz, sum of dz * xhat): beta's and gamma's gradients once batchnorm/backward_finalize joins them.
// x, dy: rows,C4*4  saved: 2,C4*4  affine: gamma, beta  shortcut: lib/normalize  partial: chunks,2,C4*4
// Redraws the noise of batchnorm/forward. Workgroups: a line over chunks, times blocks of LANES channel groups in z.
struct Params {
    rows: u32, rows_a_chunk: u32, affine_offset: u32, layer: u32, // offset in groups of four
    seed: u32, height: u32, width: u32, shortcut_height: u32,
    shortcut_width: u32, pad0: u32, pad1: u32, pad2: u32,
}
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> saved: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> shortcut: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<storage, read_write> dy: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(7) var<uniform> params: Params;

var<workgroup> betas: array<vec4<f32>, WORKGROUP>;
var<workgroup> gammas: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let p = place(local, group.x, group.z, params.rows, params.rows_a_chunk);
    var beta = vec4<f32>();
    var gamma = vec4<f32>();
    if p.takes {
        let ch = channel(p.c);
        for (var row = p.first; row < p.end; row += ROWS_AT_ONCE) {
            let at = row * C4 + p.c;
            let xhat = normalized(x[at], ch);
            let z = fma(xhat, ch.gamma, ch.beta) + shortcut_at(row, p.c);
            let dz = dy[at] * derivative4(z, draw(params.seed, at, state.step, params.layer));
            dy[at] = dz;
            beta += dz;
            gamma = fma(dz, xhat, gamma);
        }
    }
    betas[local] = beta;
    gammas[local] = gamma;
    workgroupBarrier();
    if local < LANES && p.takes {
        for (var other = local + LANES; other < LANES * ROWS_AT_ONCE; other += LANES) {
            beta += betas[other];
            gamma += gammas[other];
        }
        partial[2u * group.x * C4 + p.c] = beta;
        partial[(2u * group.x + 1u) * C4 + p.c] = gamma;
    }
}
