// dx[c] = dy[c / PIECES] * activation'(x[c]) where x[c] is the greatest of its PIECES, the first one of equals; else 0.
// x, dx: N,C4,PIXELS,4 (CHANNELS)  dy: N,ceil(CHANNELS/PIECES/4),PIXELS,4
// Workgroups: a line over chunks of rows, times channel groups of x in z.
struct Params { rows: u32, rows_per_chunk: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;
@group(0) @binding(2) var<storage, read_write> dx: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

fn upstream(row: u32, c: u32) -> f32 {
    let k = c / PIECES;
    if c >= CHANNELS || best_piece(row, k, CHANNELS).place != c % PIECES {
        return 0.0;
    }
    return four(dy[channel_place(row, k, CHANNELS / PIECES)])[k % 4u];
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    let c = 4u * p.c;
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        let d = vec4<f32>(upstream(row, c), upstream(row, c + 1u), upstream(row, c + 2u), upstream(row, c + 3u));
        dx[i] = packed(d * derivative4(four(x[i]), vec4<f32>()));
    }
}
