// Tensors seen as rows of channels: rows x C4 groups of four. A workgroup takes `chunk` rows of up to LANES groups;
// lane = invocation % LANES keeps its channels, so that per-channel values are loaded once.
const ROWS_AT_ONCE = WORKGROUP / LANES;

struct Place {
    takes: bool,
    c: u32,      // group of four channels
    first: u32,  // this invocation's first row
    end: u32,    // end of the chunk
}

fn place(local: u32, chunk: u32, block: u32, rows: u32, rows_a_chunk: u32) -> Place {
    let c = block * LANES + local % LANES;
    let row = local / LANES;
    let end = min((chunk + 1u) * rows_a_chunk, rows);
    return Place(row < ROWS_AT_ONCE && c < C4, c, chunk * rows_a_chunk + row, end);
}

// Zero in the channels that only fill the last group of four, so that they never reach a weight.
fn real_channels(v: vec4<f32>, c: u32) -> vec4<f32> {
    if CHANNELS == 4u * C4 {
        return v;
    }
    return select(vec4<f32>(), v, vec4<u32>(0u, 1u, 2u, 3u) + 4u * c < vec4<u32>(CHANNELS));
}
