// partial[chunk] = sum over the chunk's rows of dy: the bias' gradient once optimizer/reduce joins the chunks.
// dy: N,C4,PIXELS,4  partial: a chunk every stride4 groups of four, C4 groups each
// Workgroups: a line over chunks of rows, times channel groups in z.
struct Params { rows: u32, rows_per_chunk: u32, stride4: u32, pad0: u32 }
@group(0) @binding(0) var<storage, read> dy: array<Four>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(local.x, group.x, group.z, params.rows, params.rows_per_chunk);
    var own = Pair();
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        own.a += four(dy[at(row, p.c)]);
    }
    let sums = workgroup_sums(local.x, own);
    if local.x == 0u {
        partial[group.x * params.stride4 + p.c] = real_channels(sums.a, p.c);
    }
}
