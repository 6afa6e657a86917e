// As lib/im2col for the gradient of a convolution's output: rows are input pixels of one phase (h, w modulo STRIDE) of all
// images, columns the taps that reach this phase x groups of output channels. Reads the kernel's dy and weight.
struct Frame {
    rows: u32, k4: u32,
    height: u32, width: u32, // pixels of the phase
    down: u32, right: u32,   // its first pixel
    r: u32, s: u32,          // its first tap; the next ones are STRIDE apart
    across: u32,             // taps side by side
}

struct Spot { first: u32, h: u32, w: u32 } // first word group of the image; output pixel of the first tap

const OUT_PIXELS = H_OUT * W_OUT;
const IN_PIXELS = H_IN * W_IN;

// Taps from `first` on, STRIDE apart.
fn taps(first: u32) -> u32 {
    return select(0u, (KERNEL - first + STRIDE - 1u) / STRIDE, first < KERNEL);
}

fn frame(batch: u32, phase: u32) -> Frame {
    let down = phase / STRIDE;
    let right = phase % STRIDE;
    let height = (H_IN - down + STRIDE - 1u) / STRIDE;
    let width = (W_IN - right + STRIDE - 1u) / STRIDE;
    let r = (down + PAD) % STRIDE;
    let s = (right + PAD) % STRIDE;
    return Frame(batch * height * width, taps(r) * taps(s) * C_OUT4, height, width, down, right, r, s, max(taps(s), 1u));
}

// Input pixel of a row: image, row, column.
fn pixel(f: Frame, row: u32) -> vec3<u32> {
    return vec3<u32>(row / (f.height * f.width), row / f.width % f.height, row % f.width);
}

fn spot(f: Frame, row: u32) -> Spot {
    let p = pixel(f, row);
    let h = p.y + (f.down + PAD - f.r) / STRIDE;
    let w = p.z + (f.right + PAD - f.s) / STRIDE;
    // Behind the last row every tap is outside.
    return Spot(p.x * C_OUT4 * OUT_PIXELS, select(0x40000000u, h, row < f.rows), w);
}

fn fetch(f: Frame, s: Spot, q: u32) -> vec4<f32> {
    let tap = q / C_OUT4;
    let h = s.h - tap / f.across; // below 0 wraps round
    let w = s.w - tap % f.across;
    let inside = h < H_OUT && w < W_OUT && q < f.k4;
    let at = select(0u, s.first + q % C_OUT4 * OUT_PIXELS + h * W_OUT + w, inside);
    return select(vec4<f32>(), dy[at], inside);
}

// Weights of output channel j of column q for the four channels of input group c.
fn weight_row(f: Frame, q: u32, j: u32, c: u32) -> vec4<f32> {
    let tap = q / C_OUT4;
    let full = (f.r + tap / f.across * STRIDE) * KERNEL + f.s + tap % f.across * STRIDE;
    let inside = q < f.k4 && c < C_IN4;
    let at = select(0u, (full * C_IN4 + c) * 4u * C_OUT4 + q % C_OUT4, inside);
    let four = vec4<f32>(
        weight[at][j], weight[at + C_OUT4][j], weight[at + 2u * C_OUT4][j], weight[at + 3u * C_OUT4][j],
    );
    return select(vec4<f32>(), four, inside);
}
