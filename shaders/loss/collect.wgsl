// Keeps a batch's logits for the host: results[cursor + n] = logits[n], for the images that there are.
// logits: N,width  results: images,width. An invocation owns one group of four.
struct Params { batch: u32, width4: u32, images: u32, pad0: u32 } // groups of four an image
@group(0) @binding(0) var<storage, read> logits: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<storage, read_write> results: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x / params.width4;
    if n < params.batch && state.cursor + n < params.images {
        results[state.cursor * params.width4 + id.x] = logits[id.x];
    }
}
