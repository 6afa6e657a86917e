// Single channels of tensors in planes of four, N,COUNT4,PIXELS,4, where a layer changes the number of channels.
fn channel_place(row: u32, c: u32, count: u32) -> u32 {
    return (row / PIXELS * ((count + 3u) / 4u) + c / 4u) * PIXELS + row % PIXELS;
}
