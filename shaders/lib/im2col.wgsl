// im2col without a buffer: a convolution's input as a matrix. Rows are output pixels of all images, columns taps x groups of
// channels. Reads the kernel's x and weight.
struct Frame { rows: u32, k4: u32 }

struct Spot { first: u32, h: u32, w: u32 } // first word group of the image; input pixel of the first tap, wrapped below 0

const OUT_PIXELS = H_OUT * W_OUT;
const IN_PIXELS = H_IN * W_IN;

fn frame(batch: u32) -> Frame {
    return Frame(batch * OUT_PIXELS, KERNEL * KERNEL * C_IN4);
}

fn spot(f: Frame, row: u32) -> Spot {
    let n = row / OUT_PIXELS;
    let h = row / W_OUT % H_OUT * STRIDE - PAD;
    // Behind the last row every tap is outside.
    return Spot(n * C_IN4 * IN_PIXELS, select(0x40000000u, h, row < f.rows), row % W_OUT * STRIDE - PAD);
}

fn fetch(f: Frame, s: Spot, q: u32) -> vec4<f32> {
    let tap = q / C_IN4;
    let h = s.h + tap / KERNEL;
    let w = s.w + tap % KERNEL;
    let inside = h < H_IN && w < W_IN && q < f.k4;
    let at = select(0u, s.first + q % C_IN4 * IN_PIXELS + h * W_IN + w, inside);
    return select(vec4<f32>(), x[at], inside);
}

// Weights of input channel j of column q for the four channels of output group k.
fn weight_row(f: Frame, q: u32, j: u32, k: u32) -> vec4<f32> {
    let inside = q < f.k4 && k < C_OUT4;
    return select(vec4<f32>(), weight[select(0u, (4u * q + j) * C_OUT4 + k, inside)], inside);
}
