// y = activation(batchnorm(x) + shortcut), one pass: mean and invstd from batchnorm/finalize or batchnorm/running.
// x, y: N,C4,PIXELS,4  saved: 2,C4*4 (mean, invstd)  affine: gamma C4*4, beta from affine_offset on  shortcut: lib/normalize
// Draws one Philox block for each four channels (counter row*C4 + c) where the activation is stochastic and TRAIN.
// Workgroups: a line over chunks of rows, times channel groups in z.
struct Params {
    rows: u32, rows_a_chunk: u32, affine_offset: u32, layer: u32, // offset in groups of four
    seed: u32, height: u32, width: u32, shortcut_height: u32,
    shortcut_width: u32, pad0: u32, pad1: u32, pad2: u32,
}
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> saved: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> shortcut: array<Four>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<storage, read_write> y: array<Four>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let p = place(local, flat_group(group, groups), group.z, params.rows, params.rows_a_chunk);
    let ch = channel(p.c);
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        let z = fma(normalized(four(x[i]), ch), ch.gamma, ch.beta) + shortcut_at(row, p.c);
        let value = value4(z, draw(params.seed, row * C4 + p.c, state.step, params.layer));
        y[i] = packed(real_channels(value, p.c));
    }
}
