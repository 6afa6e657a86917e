// Mixup (Zhang et al., arXiv 1710.09412) within the batch, in place: images n and N-1-n become share * own + (1 - share) * other,
// with the step's share from the state. The loss does the same with their labels.
// images: N,HEIGHT,WIDTH,4 as N,pixels. An invocation owns a pixel of both images of a pair.
struct Params { batch: u32, pixels: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<storage, read_write> images: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let id = flat_group(group, groups) * WORKGROUP + local.x;
    let n = id / params.pixels;
    let other = params.batch - 1u - n;
    if n >= params.batch / 2u {
        return;
    }
    let a = images[id];
    let at = other * params.pixels + id % params.pixels;
    let b = images[at];
    images[id] = state.share * a + (1.0 - state.share) * b;
    images[at] = state.share * b + (1.0 - state.share) * a;
}
