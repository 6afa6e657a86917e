// Mean and sum of squared deviations of each channel, for each chunk of rows: partial[chunk] = (mean, m2).
// x: rows,C4*4  partial: chunks,2,C4*4
// Sums are taken of x minus the chunk's first row, so that a mean far larger than the spread costs no digits.
// Workgroups: a line over chunks, times blocks of LANES channel groups in z.
struct Params { rows: u32, rows_a_chunk: u32, chunks: u32, pad0: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;
var<workgroup> squares: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let p = place(local, group.x, group.z, params.rows, params.rows_a_chunk);
    var sum = vec4<f32>();
    var square = vec4<f32>();
    var origin = vec4<f32>();
    if p.takes {
        origin = x[group.x * params.rows_a_chunk * C4 + p.c];
        for (var row = p.first; row < p.end; row += ROWS_AT_ONCE) {
            let d = x[row * C4 + p.c] - origin;
            sum += d;
            square = fma(d, d, square);
        }
    }
    sums[local] = sum;
    squares[local] = square;
    workgroupBarrier();
    if local < LANES && p.takes {
        for (var other = local + LANES; other < LANES * ROWS_AT_ONCE; other += LANES) {
            sum += sums[other];
            square += squares[other];
        }
        let mean = sum / f32(p.end - group.x * params.rows_a_chunk);
        partial[2u * group.x * C4 + p.c] = origin + mean;
        partial[(2u * group.x + 1u) * C4 + p.c] = max(square - sum * mean, vec4<f32>());
    }
}
