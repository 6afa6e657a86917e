// For evaluation: mean and 1/sqrt(variance + eps) from the running statistics, in the place of the batch's.
// running: mean C4*4, variance from running_offset on  saved: 2,C4*4. An invocation owns four channels.
struct Params { running_offset: u32, eps: f32, pad0: u32, pad1: u32 } // offset in groups of four
@group(0) @binding(0) var<storage, read> running: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> saved: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = id.x;
    if c < C4 {
        saved[c] = running[c];
        saved[C4 + c] = 1.0 / sqrt(running[params.running_offset + c] + params.eps);
    }
}
