// x becomes scale x + shortcut, in place: the sum of a residual block, its branch scaled as lib/branch says.
// x: N,C4,PIXELS,4  shortcut: as SHORTCUT says, lib/shortcut
// Workgroups: a line over chunks of rows, times channel groups in z.
struct Params {
    rows: u32, rows_per_chunk: u32, height: u32, width: u32,
    shortcut_height: u32, shortcut_width: u32, layer: u32, seed: u32,
}
@group(0) @binding(0) var<storage, read> shortcut: array<Four>;
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
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        x[i] = packed(branch_scale(row / PIXELS, false) * four(x[i]) + shortcut_at(row, p.c));
    }
}
