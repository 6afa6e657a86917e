// Tensors lie in planes of four channels: N,C4,PIXELS,4. Seen as rows = N*PIXELS of C4 groups, a workgroup takes a chunk of
// rows of one group: what belongs to a channel is one load for all of it, and neighbours read neighbours.
struct Place {
    c: u32,      // group of four channels
    first: u32,  // this invocation's first row; the next ones are WORKGROUP apart
    end: u32,    // end of the chunk
}

fn place(local: u32, chunk: u32, c: u32, rows: u32, rows_per_chunk: u32) -> Place {
    return Place(c, chunk * rows_per_chunk + local, min((chunk + 1u) * rows_per_chunk, rows));
}

// Where a row's group of channels lies.
fn at(row: u32, c: u32) -> u32 {
    return (row / PIXELS * C4 + c) * PIXELS + row % PIXELS;
}

// Zero in the channels that only fill the last group of four, so that they never reach a weight.
fn real_channels(v: vec4<f32>, c: u32) -> vec4<f32> {
    if CHANNELS == 4u * C4 {
        return v;
    }
    return select(vec4<f32>(), v, vec4<u32>(0u, 1u, 2u, 3u) + 4u * c < vec4<u32>(CHANNELS));
}
