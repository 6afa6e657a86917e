// What a residual connection adds. SHORTCUT: 0 nothing, 1 a tensor of the same shape, 2 option A (He et al. 2015): every
// second pixel of a tensor of twice the height and width, its SHORTCUT_C channels in the middle, zeros around.
fn padded_channel(n: u32, pixel: u32, c: u32) -> f32 {
    const BEFORE = (CHANNELS - SHORTCUT_C) / 2u;
    let source = c - BEFORE; // below 0 wraps round
    if source >= SHORTCUT_C {
        return 0.0;
    }
    let plane = n * ((SHORTCUT_C + 3u) / 4u) + source / 4u;
    return four(shortcut[plane * params.shortcut_height * params.shortcut_width + pixel])[source % 4u];
}

fn shortcut_at(row: u32, c: u32) -> vec4<f32> {
    if SHORTCUT == 0u {
        return vec4<f32>();
    }
    if SHORTCUT == 1u {
        return four(shortcut[at(row, c)]);
    }
    let n = row / PIXELS;
    let h = row / params.width % params.height;
    let w = row % params.width;
    let pixel = 2u * h * params.shortcut_width + 2u * w;
    let k = 4u * c;
    return vec4<f32>(
        padded_channel(n, pixel, k), padded_channel(n, pixel, k + 1u), padded_channel(n, pixel, k + 2u),
        padded_channel(n, pixel, k + 3u),
    );
}
