// Joins the chunks' statistics (Chan, Golub, LeVeque 1983) into the batch's mean and 1/sqrt(variance + eps), and moves the
// running statistics towards them (momentum in PyTorch's sense; the running variance takes the unbiased one).
// partial: chunks,2,C4*4  saved: 2,C4*4 (mean, invstd)  running: mean C4*4, variance from running_offset on
// A workgroup takes one group of four channels; its invocations take chunks.
struct Params {
    rows: u32, rows_a_chunk: u32, chunks: u32, running_offset: u32, // offset in groups of four
    momentum: f32, eps: f32, pad0: u32, pad1: u32,
}
@group(0) @binding(0) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> running: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> saved: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> shifts: array<vec4<f32>, WORKGROUP>;
var<workgroup> squares: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let c = group.x;
    let origin = partial[c]; // the first chunk's mean
    var shift = vec4<f32>();
    var square = vec4<f32>();
    for (var chunk = local; chunk < params.chunks; chunk += WORKGROUP) {
        let count = f32(min(params.rows_a_chunk, params.rows - chunk * params.rows_a_chunk));
        let d = partial[2u * chunk * C4 + c] - origin;
        shift = fma(vec4<f32>(count), d, shift);
        square += partial[(2u * chunk + 1u) * C4 + c] + count * d * d;
    }
    shifts[local] = shift;
    squares[local] = square;
    workgroupBarrier();
    if local == 0u {
        for (var other = 1u; other < min(WORKGROUP, params.chunks); other++) {
            shift += shifts[other];
            square += squares[other];
        }
        let rows = f32(params.rows);
        let mean = origin + shift / rows;
        let m2 = max(square - shift * (shift / rows), vec4<f32>());
        saved[c] = mean;
        saved[C4 + c] = 1.0 / sqrt(m2 / rows + params.eps);
        let unbiased = m2 / max(rows - 1.0, 1.0);
        running[c] = mix(running[c], mean, vec4<f32>(params.momentum));
        let v = params.running_offset + c;
        running[v] = mix(running[v], unbiased, vec4<f32>(params.momentum));
    }
}
