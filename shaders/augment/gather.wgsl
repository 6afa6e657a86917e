// The batch's images from bytes: crop with zero padding, flip, standardise. An image's source is order[cursor + n].
// pixels: images,HEIGHT,WIDTH,3 as bytes  labels: images  images: N,HEIGHT,WIDTH,4 (fourth channel 0)  batch_labels: N
// A workgroup takes an image. With CROP > 0 or FLIP one Philox block (counter n): words 0 and 1 choose the offset in
// -CROP..CROP, the top bit of word 2 the flip. NORMALIZE: 0 raw bytes, 1 per image (v - mean) / (std + 1e-7) over all its
// values after the crop, 2 per channel (v / 255 - mean) / std.
// Only images in first..first+count are handled: a data set may take several buffers, with a dispatch for each.
struct Params {
    batch: u32, images: u32, first: u32, count: u32, // images: length of the order
    mean: vec4<f32>, inverse_std: vec4<f32>,
    seed: u32, pad0: u32, pad1: u32, pad2: u32,
}
@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<storage, read_write> images: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> batch_labels: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

const STREAM_AUGMENT = 3u;
const PIXELS = HEIGHT * WIDTH;

var<workgroup> sums: array<f32, WORKGROUP>;

fn byte_at(index: u32) -> f32 {
    return f32((pixels[index / 4u] >> (index % 4u * 8u)) & 0xffu);
}

struct View { image: u32, down: u32, right: u32, flip: bool }

fn rgb(view: View, pixel: u32) -> vec3<f32> {
    let column = pixel % WIDTH;
    let h = pixel / WIDTH + view.down; // below 0 wraps round
    let w = select(column, WIDTH - 1u - column, view.flip) + view.right;
    if h >= HEIGHT || w >= WIDTH {
        return vec3<f32>();
    }
    let at = ((view.image * HEIGHT + h) * WIDTH + w) * 3u;
    return vec3<f32>(byte_at(at), byte_at(at + 1u), byte_at(at + 2u));
}

fn workgroup_sum(local: u32, own: f32) -> f32 {
    workgroupBarrier();
    sums[local] = own;
    workgroupBarrier();
    var sum = 0.0;
    for (var other = 0u; other < WORKGROUP; other++) {
        sum += sums[other];
    }
    return sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let n = group.x;
    let image = order[min(state.cursor + n, params.images - 1u)];
    if image < params.first || image >= params.first + params.count {
        return;
    }
    var view = View(image - params.first, 0u, 0u, false);
    if CROP > 0u || FLIP {
        let words = philox(vec4<u32>(n, state.step, 0u, 0u), vec2<u32>(params.seed, STREAM_AUGMENT));
        view.down = words.x % (2u * CROP + 1u) - CROP;
        view.right = words.y % (2u * CROP + 1u) - CROP;
        view.flip = FLIP && words.z >= 0x80000000u;
    }
    if local == 0u {
        batch_labels[n] = labels[image];
    }
    var mean = params.mean.xyz;
    var scale = params.inverse_std.xyz;
    if NORMALIZE == 1u {
        var own = 0.0;
        for (var p = local; p < PIXELS; p += WORKGROUP) {
            own += dot(rgb(view, p), vec3<f32>(1.0));
        }
        mean = vec3<f32>(workgroup_sum(local, own) / f32(3u * PIXELS));
        own = 0.0;
        for (var p = local; p < PIXELS; p += WORKGROUP) {
            let d = rgb(view, p) - mean;
            own += dot(d, d);
        }
        scale = vec3<f32>(1.0 / (sqrt(workgroup_sum(local, own) / f32(3u * PIXELS)) + 1e-7));
    }
    for (var p = local; p < PIXELS; p += WORKGROUP) {
        images[n * PIXELS + p] = vec4<f32>((rgb(view, p) - mean) * scale, 0.0);
    }
}
