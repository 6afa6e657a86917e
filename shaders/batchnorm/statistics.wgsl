// Mean and sum of squared deviations of each channel, for each chunk of rows: partial[chunk] = (mean, m2).
// x: N,C4,PIXELS,4  partial: chunks,2,C4*4
// Sums are taken of x minus the chunk's first row, so that a mean far larger than the spread costs no digits.
// Workgroups: a line over chunks, times channel groups in z.
struct Params { rows: u32, rows_per_chunk: u32, chunks: u32, pad0: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(local.x, group.x, group.z, params.rows, params.rows_per_chunk);
    let origin = four(x[at(group.x * params.rows_per_chunk, p.c)]);
    var own = Pair();
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let d = four(x[at(row, p.c)]) - origin;
        own.a += d;
        own.b = fma(d, d, own.b);
    }
    let sums = workgroup_sums(local.x, own);
    if local.x == 0u {
        let mean = sums.a / f32(p.end - group.x * params.rows_per_chunk);
        partial[2u * group.x * C4 + p.c] = origin + mean;
        partial[(2u * group.x + 1u) * C4 + p.c] = max(sums.b - sums.a * mean, vec4<f32>());
    }
}
