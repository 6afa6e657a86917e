// y = (activation(x), activation(-x)) over the channels. x: N,ceil(CHANNELS/8),PIXELS,4  y: N,C4,PIXELS,4 (CHANNELS)
// Workgroups: a line over chunks of rows, times channel groups of y in z.
struct Params { rows: u32, rows_per_chunk: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read_write> y: array<Four>;
@group(0) @binding(2) var<uniform> params: Params;

const HALF = CHANNELS / 2u;

fn signed_channel(row: u32, k: u32) -> f32 {
    if k >= CHANNELS {
        return 0.0;
    }
    let c = k % HALF;
    let v = four(x[channel_place(row, c, HALF)])[c % 4u];
    return select(v, -v, k >= HALF);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let p = place(local.x, flat_group(group, groups), group.z, params.rows, params.rows_per_chunk);
    let k = 4u * p.c;
    for (var row = p.first; row < p.end; row += WORKGROUP) {
        let v = vec4<f32>(
            signed_channel(row, k), signed_channel(row, k + 1u), signed_channel(row, k + 2u),
            signed_channel(row, k + 3u),
        );
        y[at(row, p.c)] = packed(real_channels(value4(v, vec4<f32>()), p.c));
    }
}
