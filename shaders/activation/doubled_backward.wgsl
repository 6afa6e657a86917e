// dx[c] = dy[c] * activation'(x[c]) - dy[c + CHANNELS] * activation'(-x[c]).
// x, dx: N,C4,PIXELS,4 (CHANNELS)  dy: N,ceil(CHANNELS/2),PIXELS,4
// Workgroups: a line over chunks of rows, times channel groups of x in z.
struct Params { rows: u32, rows_per_chunk: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;
@group(0) @binding(2) var<storage, read_write> dx: array<Four>;
@group(0) @binding(3) var<uniform> params: Params;

fn channel_of(row: u32, c: u32) -> f32 {
    if c >= 2u * CHANNELS {
        return 0.0;
    }
    return four(dy[channel_place(row, c, 2u * CHANNELS)])[c % 4u];
}

fn channels_of(row: u32, c: u32) -> vec4<f32> {
    return vec4<f32>(
        channel_of(row, c), channel_of(row, c + 1u), channel_of(row, c + 2u), channel_of(row, c + 3u),
    );
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    let none = vec4<f32>();
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let i = at(row, p.c);
        let v = four(x[i]);
        let positive = channels_of(row, 4u * p.c) * derivative4(v, none);
        let negative = channels_of(row, CHANNELS + 4u * p.c) * derivative4(-v, none);
        dx[i] = packed(real_channels(positive - negative, p.c));
    }
}
