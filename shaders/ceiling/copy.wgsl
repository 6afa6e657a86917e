// to = from: the most that the memory gives and takes, to compare other kernels with.
// from, to: words in groups of four. A workgroup copies RUN * WORKGROUP groups, an invocation every WORKGROUP-th of them.
struct Params { count: u32, pad0: u32, pad1: u32, pad2: u32 } // groups of four
@group(0) @binding(0) var<storage, read> source: array<Four>;
@group(0) @binding(1) var<storage, read_write> copy: array<Four>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let first = flat_group(group, groups) * RUN * WORKGROUP + local.x;
    let end = min(first + RUN * WORKGROUP, params.count);
    for (var i = first; i < end; i += WORKGROUP) {
        copy[i] = source[i];
    }
}
