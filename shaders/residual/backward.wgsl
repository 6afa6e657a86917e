// The gradient of option A's shortcut: dx[n,h,w,c] = dz[n,h/2,w/2,c + BEFORE] where h and w are even, else 0.
// dz: N,C4,height,width,4  dx: N,FROM4,shortcut_height,shortcut_width,4
// An invocation owns four channels of one pixel of dx.
struct Params { count: u32, height: u32, width: u32, shortcut_height: u32, shortcut_width: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<storage, read> dz: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

const BEFORE = (CHANNELS - SHORTCUT_C) / 2u;
const FROM4 = (SHORTCUT_C + 3u) / 4u;

fn gradient(n: u32, pixel: u32, c: u32) -> f32 {
    if c >= SHORTCUT_C {
        return 0.0;
    }
    return dz[(n * C4 + (c + BEFORE) / 4u) * params.height * params.width + pixel][(c + BEFORE) % 4u];
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let index = flat_group(group, groups) * WORKGROUP + local.x;
    if index >= params.count {
        return;
    }
    let w = index % params.shortcut_width;
    let h = index / params.shortcut_width % params.shortcut_height;
    let plane = index / (params.shortcut_width * params.shortcut_height);
    let c = plane % FROM4 * 4u;
    let n = plane / FROM4;
    var sum = vec4<f32>();
    if h % 2u == 0u && w % 2u == 0u {
        let pixel = h / 2u * params.width + w / 2u;
        sum = vec4<f32>(
            gradient(n, pixel, c), gradient(n, pixel, c + 1u), gradient(n, pixel, c + 2u), gradient(n, pixel, c + 3u),
        );
    }
    dx[index] = sum;
}
