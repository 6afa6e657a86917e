// Gradient of pool/max_forward: dx is dy at the greatest pixel of its window, at the first of equals (row by row, as PyTorch), and 0
// elsewhere. x, dx: N,c4,H*W,4  dy: N,c4,(H / WINDOW)*(W / WINDOW),4. An invocation owns four channels of one pixel of x.
struct Params { planes: u32, height: u32, width: u32, pad0: u32 } // planes: N*c4; of x
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let index = flat_group(group, groups) * WORKGROUP + local.x;
    let pixels = params.height * params.width;
    if index >= params.planes * pixels {
        return;
    }
    let plane = index / pixels;
    let down = index % pixels / params.width / WINDOW;
    let right = index % params.width / WINDOW;
    let rows = params.height / WINDOW;
    let columns = params.width / WINDOW;
    if down >= rows || right >= columns {
        dx[index] = vec4<f32>();
        return;
    }
    let own = x[index];
    let first = (plane * params.height + down * WINDOW) * params.width + right * WINDOW;
    var greatest = vec4<bool>(true);
    for (var row = 0u; row < WINDOW; row++) {
        for (var column = 0u; column < WINDOW; column++) {
            let place = first + row * params.width + column;
            let other = x[place];
            greatest = greatest & select(own >= other, own > other, vec4<bool>(place < index));
        }
    }
    dx[index] = select(vec4<f32>(), dy[(plane * rows + down) * columns + right], greatest);
}
