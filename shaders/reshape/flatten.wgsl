// From pixels to one row of numbers: y[n, (c*PIXELS + p)] = x[n,p,c], PyTorch's order; with BACKWARD dx[n,p,c] from dy.
// image: N,C4,PIXELS,4 (CHANNELS)  flat: N,FLAT4*4, zeros behind the last number. An invocation owns four numbers of what
// is written.
struct Params { count: u32, pad0: u32, pad1: u32, pad2: u32 } // groups of four of what is written
@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

const LENGTH = CHANNELS * PIXELS;
const FLAT4 = (LENGTH + 3u) / 4u;

// Number k of image n, from its place in planes of four channels.
fn number(n: u32, k: u32) -> f32 {
    if k >= LENGTH {
        return 0.0;
    }
    let c = k / PIXELS;
    return source[((n * C4 + c / 4u) * PIXELS + k % PIXELS) * 4u + c % 4u];
}

// Channel c of a pixel of image n, from its place in the row.
fn channel(n: u32, pixel: u32, c: u32) -> f32 {
    if c >= CHANNELS {
        return 0.0;
    }
    return source[n * FLAT4 * 4u + c * PIXELS + pixel];
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = flat_group(group, groups) * WORKGROUP + local.x;
    if at >= params.count {
        return;
    }
    if BACKWARD {
        let n = at / (C4 * PIXELS);
        let pixel = at % PIXELS;
        let c = at / PIXELS % C4 * 4u;
        result[at] = vec4<f32>(
            channel(n, pixel, c), channel(n, pixel, c + 1u), channel(n, pixel, c + 2u), channel(n, pixel, c + 3u),
        );
    } else {
        let n = at / FLAT4;
        let k = at % FLAT4 * 4u;
        result[at] = vec4<f32>(number(n, k), number(n, k + 1u), number(n, k + 2u), number(n, k + 3u));
    }
}
