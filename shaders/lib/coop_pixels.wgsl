// What lib/coop multiplies where rows are pixels and columns channels, by lib/im2col or lib/im2col_gradient: an invocation
// fetches two of a step's four groups for one pixel, and one row of weights.
const LANES = ROWS;

struct Job { frame: Frame, spot: Spot, local: u32, k: u32 } // k: the tile's first own group

fn load_left(job: Job, step: u32, i: u32) -> vec4<f32> {
    return fetch(job.frame, job.spot, step * 4u + job.local / ROWS + 2u * i);
}

fn load_right(job: Job, step: u32) -> vec4<f32> {
    let depth = job.local / TILE_N4;
    if depth >= DEPTH {
        return vec4<f32>();
    }
    return weight_row(job.frame, step * 4u + depth / 4u, depth % 4u, job.k + job.local % TILE_N4);
}

fn keep_left(local: u32, i: u32, v: vec4<f32>) {
    let at = 4u * (local / ROWS + 2u * i) * LEFT_PITCH + local % ROWS;
    tile_left[at] = f16(v.x);
    tile_left[at + LEFT_PITCH] = f16(v.y);
    tile_left[at + 2u * LEFT_PITCH] = f16(v.z);
    tile_left[at + 3u * LEFT_PITCH] = f16(v.w);
}

fn keep_right(local: u32, v: vec4<f32>) {
    let depth = local / TILE_N4;
    if depth < DEPTH {
        let at = depth * RIGHT_PITCH + local % TILE_N4 * 4u;
        tile_right[at] = f16(v.x);
        tile_right[at + 1u] = f16(v.y);
        tile_right[at + 2u] = f16(v.z);
        tile_right[at + 3u] = f16(v.w);
    }
}
