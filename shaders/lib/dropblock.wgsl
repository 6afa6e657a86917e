// Which elements DropBlock keeps (Ghiasi, Lin, Le, arXiv 1810.12890): a block of BLOCK x BLOCK pixels of a channel is dropped
// where the uniform of its upper left pixel is below GAMMA; blocks lie wholly in the image.
// Draws one Philox block for four channels of a pixel (counter row*C4 + c).
const STREAM_DROPOUT = 2u;

fn first_of(at: u32) -> u32 {
    return at - min(at, BLOCK - 1u);
}

fn kept(row: u32, c: u32) -> vec4<f32> {
    let image = row / PIXELS * PIXELS;
    let h = row % PIXELS / W_IN;
    let w = row % W_IN;
    var least = vec4<f32>(1.0);
    for (var y = first_of(h); y <= min(h, PIXELS / W_IN - BLOCK); y++) {
        for (var x = first_of(w); x <= min(w, W_IN - BLOCK); x++) {
            let corner = image + y * W_IN + x;
            least = min(least, uniform4(params.seed, STREAM_DROPOUT, corner * C4 + c, state.step, params.layer));
        }
    }
    return real_channels(select(vec4<f32>(1.0), vec4<f32>(), least < vec4<f32>(GAMMA)), c);
}
