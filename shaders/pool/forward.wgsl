// Global average pool: y[n,c] = mean over pixels of x[n,p,c]. x: N,c4,pixels,4  y: N,c4*4
// An invocation owns four channels of one image.
struct Params { batch: u32, c4: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.batch * params.c4 {
        return;
    }
    var sum = vec4<f32>();
    for (var p = 0u; p < PIXELS; p++) {
        sum += x[id.x * PIXELS + p];
    }
    y[id.x] = sum / f32(PIXELS);
}
