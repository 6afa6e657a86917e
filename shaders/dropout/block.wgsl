// x becomes x * all / kept where DropBlock keeps the element, else 0, in place; the backward pass is the same on dy with the
// same draws and counts. x: N,C4,PIXELS,4  kept_counts: what dropout/block_count left, params.counts of them
// Workgroups: a line over chunks of rows, times channel groups in z; each adds up the counts for itself.
struct Params { rows: u32, rows_per_chunk: u32, layer: u32, seed: u32, counts: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> kept_counts: array<u32>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<storage, read_write> x: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    var count = 0u;
    for (var i = local.x; i < params.counts; i += WORKGROUP) {
        count += kept_counts[i];
    }
    let all = f32(workgroup_count(local.x, count));
    let scale = f32(params.rows * CHANNELS) / max(all, 1.0);
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        x[i] = packed(four(x[i]) * (scale * kept(row, p.c)));
    }
}
