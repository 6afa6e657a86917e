// dx[n,p,c] = dy[n,c] / pixels. dy: N,c4*4  dx: N,c4,pixels,4. An invocation owns four channels of one pixel.
struct Params { batch: u32, c4: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let index = flat_group(group, groups) * WORKGROUP + local.x;
    if index >= params.batch * PIXELS * params.c4 {
        return;
    }
    dx[index] = dy[index / PIXELS] / f32(PIXELS);
}
