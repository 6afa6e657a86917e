// Max pooling: y[n,h,w,c] = max of x over the window's pixels, WINDOW x WINDOW from (h * WINDOW, w * WINDOW) on; pixels that fill
// no window are left out. x: N,c4,H*W,4  y: N,c4,(H / WINDOW)*(W / WINDOW),4. An invocation owns four channels of one pixel of y.
struct Params { planes: u32, height: u32, width: u32, pad0: u32 } // planes: N*c4; of x
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let index = flat_group(group, groups) * WORKGROUP + local.x;
    let columns = params.width / WINDOW;
    let pixels = (params.height / WINDOW) * columns;
    if index >= params.planes * pixels {
        return;
    }
    let pixel = index % pixels;
    let first = first_of_window(index / pixels, pixel / columns, pixel % columns);
    var most = x[first];
    for (var row = 0u; row < WINDOW; row++) {
        for (var column = 0u; column < WINDOW; column++) {
            most = max(most, x[first + row * params.width + column]);
        }
    }
    y[index] = most;
}

// Where a window's first pixel lies.
fn first_of_window(plane: u32, row: u32, column: u32) -> u32 {
    return (plane * params.height + row * WINDOW) * params.width + column * WINDOW;
}
