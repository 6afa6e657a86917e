// The batch's images from bytes: shift, flip, standardise, cut a square out. An image's source is order[cursor + n].
// pixels: images,HEIGHT,WIDTH,3 as bytes  labels: images  statistics: HEIGHT,WIDTH as (mean, inverse deviation), both 3 and 0
// images: N,HEIGHT,WIDTH,4 (fourth channel 0)  batch_labels: N. A workgroup takes an image.
// Philox block (n, step, 0): words 0 and 1 the shift, top bit of word 2 the flip. SHIFT: 0 whole pixels in -CROP..CROP, 1 the
// same with 0 as likely as both of +-k together, 2 fractions in +-reach with bilinear weights. ALTERNATE flips by block
// (image, 0, 2) and the parity of the epoch. Block (n, step, 1): the middle of the CUTOUT square. Outside of the image, FILL: 0
// zero, 1 mirrored, 2 the nearest pixel. NORMALIZE: 0 (v - mean) * inverse_std by channel, 1 per image, (v - mean) /
// (std + 1e-7) over all its values, 2 per image by max(std, 1/sqrt(values)), 3 by statistics. With FIRST the image is
// standardised before it is shifted: borders are 0 in its units.
// Only images in first..first+count are handled: a data set may take several buffers, with a dispatch for each. With GATHERED
// pixels holds the batch: N,HEIGHT,WIDTH,3.
struct Params {
    batch: u32, images: u32, first: u32, count: u32, // images: length of the order
    mean: vec4<f32>, inverse_std: vec4<f32>,
    seed: u32, reach_h: f32, reach_w: f32, pad0: u32, // reach: in pixels
}
@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<storage, read> statistics: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> images: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> batch_labels: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

const STREAM_AUGMENT = 3u;
const PIXELS = HEIGHT * WIDTH;
const VALUES = f32(3u * PIXELS);

var<workgroup> sums: array<f32, WORKGROUP>;

struct View { image: u32, down: i32, right: i32, flip: bool, down_part: f32, right_part: f32 }
struct Scale { mean: vec3<f32>, inverse_std: vec3<f32> }

fn byte_at(index: u32) -> f32 {
    return f32((pixels[index / 4u] >> (index % 4u * 8u)) & 0xffu);
}

// The bytes of pixel h * WIDTH + w.
fn bytes(image: u32, pixel: u32) -> vec3<f32> {
    let at = (image * PIXELS + pixel) * 3u;
    return vec3<f32>(byte_at(at), byte_at(at + 1u), byte_at(at + 2u));
}

fn standardised(v: vec3<f32>, pixel: u32, scale: Scale) -> vec3<f32> {
    if NORMALIZE == 3u {
        return (v - statistics[2u * pixel].xyz) * statistics[2u * pixel + 1u].xyz;
    }
    return (v - scale.mean) * scale.inverse_std;
}

// The pixel of the source at h, w, which may lie outside.
fn source(view: View, h: i32, w: i32, scale: Scale) -> vec3<f32> {
    let row = place(h, i32(HEIGHT));
    let column = place(w, i32(WIDTH));
    if row >= HEIGHT || column >= WIDTH {
        return vec3<f32>();
    }
    let pixel = row * WIDTH + column;
    let v = bytes(view.image, pixel);
    if FIRST {
        return standardised(v, pixel, scale);
    }
    return v;
}

// The shifted and flipped image at `pixel`: bytes, or standardised with FIRST.
fn rgb(view: View, pixel: u32, scale: Scale) -> vec3<f32> {
    let column = pixel % WIDTH;
    let h = i32(pixel / WIDTH) + view.down;
    let w = i32(select(column, WIDTH - 1u - column, view.flip)) + view.right;
    if SHIFT != 2u {
        return source(view, h, w, scale);
    }
    let upper = mix(source(view, h, w, scale), source(view, h, w + 1, scale), view.right_part);
    let lower = mix(source(view, h + 1, w, scale), source(view, h + 1, w + 1, scale), view.right_part);
    return mix(upper, lower, view.down_part);
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

// What the image's own statistics are taken from.
fn own_value(view: View, pixel: u32) -> vec3<f32> {
    if FIRST {
        return bytes(view.image, pixel);
    }
    return rgb(view, pixel, Scale());
}

// Mean and inverse deviation of all values of the image.
fn image_scale(view: View, local: u32) -> Scale {
    var own = 0.0;
    for (var p = local; p < PIXELS; p += WORKGROUP) {
        own += dot(own_value(view, p), vec3<f32>(1.0));
    }
    let mean = vec3<f32>(workgroup_sum(local, own) / VALUES);
    own = 0.0;
    for (var p = local; p < PIXELS; p += WORKGROUP) {
        let d = own_value(view, p) - mean;
        own += dot(d, d);
    }
    let deviation = sqrt(workgroup_sum(local, own) / VALUES);
    if NORMALIZE == 2u {
        return Scale(mean, vec3<f32>(1.0 / max(deviation, 1.0 / sqrt(VALUES))));
    }
    return Scale(mean, vec3<f32>(1.0 / (deviation + 1e-7)));
}

fn view_of(image: u32, n: u32) -> View {
    var view = View(select(image - params.first, n, GATHERED), 0, 0, false, 0.0, 0.0);
    if CROP > 0u || FLIP || SHIFT == 2u {
        let words = philox(vec4<u32>(n, state.step, 0u, 0u), vec2<u32>(params.seed, STREAM_AUGMENT));
        if SHIFT == 2u {
            let down = fraction(words.x) * params.reach_h;
            let right = fraction(words.y) * params.reach_w;
            view.down = i32(floor(down));
            view.right = i32(floor(right));
            view.down_part = down - floor(down);
            view.right_part = right - floor(right);
        } else {
            view.down = whole(words.x);
            view.right = whole(words.y);
        }
        view.flip = FLIP && words.z >= 0x80000000u;
    }
    if ALTERNATE {
        let words = philox(vec4<u32>(image, 0u, 2u, 0u), vec2<u32>(params.seed, STREAM_AUGMENT));
        view.flip = (words.x >> 31u) != (state.epoch & 1u);
    }
    return view;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let n = group.x;
    let image = order[min(state.cursor + n, params.images - 1u)];
    if image < params.first || image >= params.first + params.count {
        return;
    }
    let view = view_of(image, n);
    if local.x == 0u {
        batch_labels[n] = labels[image];
    }
    var scale = Scale(params.mean.xyz, params.inverse_std.xyz);
    if NORMALIZE == 1u || NORMALIZE == 2u {
        scale = image_scale(view, local.x);
    }
    var middle = vec4<u32>();
    if CUTOUT > 0u {
        middle = philox(vec4<u32>(n, state.step, 1u, 0u), vec2<u32>(params.seed, STREAM_AUGMENT));
    }
    for (var p = local.x; p < PIXELS; p += WORKGROUP) {
        var v = rgb(view, p, scale);
        if !FIRST {
            v = standardised(v, p, scale);
        }
        if CUTOUT > 0u && cut_out(middle, p) {
            v = vec3<f32>();
        }
        images[n * PIXELS + p] = vec4<f32>(v, 0.0);
    }
}
