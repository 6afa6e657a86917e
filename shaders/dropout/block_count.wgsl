// kept[chunk * C4 + c] = elements of a chunk of rows of four channels that DropBlock keeps (lib/dropblock).
// kept: chunks,C4. Workgroups: a line over chunks, times channel groups in z.
struct Params { rows: u32, rows_per_chunk: u32, layer: u32, seed: u32 }
@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<storage, read_write> kept_counts: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(local.x, group.x, group.z, params.rows, params.rows_per_chunk);
    var count = 0u;
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        count += u32(dot(kept(row, p.c), vec4<f32>(1.0)));
    }
    let all = workgroup_count(local.x, count);
    if local.x == 0u {
        kept_counts[group.x * C4 + p.c] = all;
    }
}
