// F(2x2,3x3) of Winograd's minimal filtering (Lavin, Gray 2016) for 3x3, stride 1, padding 1: y = At (sum of U * V) A, where
// V = Bt x B of 4x4 pixels, at the points 0, 1, -1 and infinity: 16 multiply-adds a channel for 4 pixels instead of 36. Made
// for GPUs: a workgroup owns 32 tiles of 2x2 pixels x BLOCKS groups of channels (8 with 256 invocations, 4 with 128). Four
// channels at a time, V of all tiles and U of all channels go to workgroup memory; an invocation multiplies at one of the 16
// points, for 8 tiles x 2 groups in registers. The sums then change hands through the same memory, two groups at a time. The
// kernel's file gives PLANES (groups that are summed over), OWN (groups that come out), load(place, group) and store.
// U: blocks of 16 own channels, PLANES*4, 16, 16 (conv/winograd_weights)
const PLANE = H_IN * W_IN;
const TILES_W = (W_IN + 1u) / 2u;
const TILES_H = (H_IN + 1u) / 2u;
const TILES = 32u; // of a workgroup
const ACROSS = BLOCKS / 2u; // invocations side by side over the groups of a point
const U_BLOCKS = (OWN + 3u) / 4u;
const U_FIRST = 16u * TILES;
var<workgroup> memory: array<vec4<f32>, 1024>; // V and U, later the sums of two groups

struct Place { pixel: u32, inside: bool }

struct Places { a: Place, b: Place, c: Place, d: Place }

struct Quad { a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32> }

// Of one group: a column is a tile.
struct Sums { low: mat4x4<f32>, high: mat4x4<f32> }

fn place(n: u32, h: u32, w: u32) -> Place {
    let inside = h < H_IN && w < W_IN; // below 0 wraps round
    return Place(select(0u, n * PLANES * PLANE + h * W_IN + w, inside), inside);
}

fn places(n: u32, h: u32, w: u32) -> Places {
    return Places(place(n, h, w - 1u), place(n, h, w), place(n, h, w + 1u), place(n, h, w + 2u));
}

// Odd points lie half a row of banks apart from even ones, which the same subgroup reads.
fn v_at(point: u32, tile: u32) -> u32 {
    return point * TILES + (tile ^ (point % 2u * 4u));
}

fn u_at(point: u32, channel: u32, k: u32) -> u32 {
    return U_FIRST + (point * 4u + channel) * BLOCKS + (k ^ (point % 2u * ACROSS));
}

fn sum_at(point: u32, k: u32, tile: u32) -> u32 {
    return (point * 2u + k) * TILES + (tile ^ ((point + k) % 2u * 4u));
}

// Row `row` of Bt x, then its product with B: four points of a tile.
fn fill_v(tile: u32, row: u32, first: Places, second: Places, c: u32) {
    let sign = select(-1.0, 1.0, row == 1u);
    let a = fma(vec4<f32>(sign), load(second.a, c), load(first.a, c));
    let b = fma(vec4<f32>(sign), load(second.b, c), load(first.b, c));
    let c_ = fma(vec4<f32>(sign), load(second.c, c), load(first.c, c));
    let d = fma(vec4<f32>(sign), load(second.d, c), load(first.d, c));
    memory[v_at(row * 4u, tile)] = a - c_;
    memory[v_at(row * 4u + 1u, tile)] = b + c_;
    memory[v_at(row * 4u + 2u, tile)] = c_ - b;
    memory[v_at(row * 4u + 3u, tile)] = d - b;
}

fn fill_u(local: u32, block: u32, c: u32) {
    for (var i = local; i < 64u * BLOCKS; i += WORKGROUP) {
        let part = min(block * (BLOCKS / 4u) + i / 256u, U_BLOCKS - 1u);
        let k = i / 256u * 4u + i % 4u;
        memory[u_at(i / 4u % 16u, i / 64u % 4u, k)] = four(weight[(part * PLANES + c) * 256u + i % 256u]);
    }
}

fn filters(point: u32, k: u32) -> mat4x4<f32> {
    return mat4x4<f32>(
        memory[u_at(point, 0u, k)], memory[u_at(point, 1u, k)], memory[u_at(point, 2u, k)], memory[u_at(point, 3u, k)],
    );
}

fn multiply(v: vec4<f32>, u: mat4x4<f32>, sum: vec4<f32>) -> vec4<f32> {
    var result = fma(vec4<f32>(v.x), u[0], sum);
    result = fma(vec4<f32>(v.y), u[1], result);
    result = fma(vec4<f32>(v.z), u[2], result);
    return fma(vec4<f32>(v.w), u[3], result);
}

fn multiply_four(v: Quad, u: mat4x4<f32>, sum: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        multiply(v.a, u, sum[0]), multiply(v.b, u, sum[1]), multiply(v.c, u, sum[2]), multiply(v.d, u, sum[3]),
    );
}

fn tiles_of(point: u32, first: u32) -> Quad {
    return Quad(
        memory[v_at(point, first)], memory[v_at(point, first + 4u)],
        memory[v_at(point, first + 8u)], memory[v_at(point, first + 12u)],
    );
}

// What an invocation is for: its point, its first tile and its first group of those of the workgroup.
struct Role { point: u32, tile: u32, k: u32 }

fn share(role: Role, sums: Sums) {
    let k = role.k % 2u;
    memory[sum_at(role.point, k, role.tile)] = sums.low[0];
    memory[sum_at(role.point, k, role.tile + 4u)] = sums.low[1];
    memory[sum_at(role.point, k, role.tile + 8u)] = sums.low[2];
    memory[sum_at(role.point, k, role.tile + 12u)] = sums.low[3];
    memory[sum_at(role.point, k, role.tile + 16u)] = sums.high[0];
    memory[sum_at(role.point, k, role.tile + 20u)] = sums.high[1];
    memory[sum_at(role.point, k, role.tile + 24u)] = sums.high[2];
    memory[sum_at(role.point, k, role.tile + 28u)] = sums.high[3];
}

// Column `column` of At times the sums, for row `row` of the tile.
fn gathered(tile: u32, k: u32, row: u32, column: u32) -> vec4<f32> {
    let outer = memory[sum_at(row * 12u + column, k, tile)];
    let sign = select(1.0, -1.0, row == 1u);
    return fma(vec4<f32>(sign), memory[sum_at(8u + column, k, tile)], memory[sum_at(4u + column, k, tile)]) + outer;
}

// Inverse transform of the groups from `k` on, which lie in the registers of the invocations two by two.
fn finish(local: u32, role: Role, sums: Sums, first_tile: u32, k: u32, batch: u32) {
    let tile = local % TILES;
    let own = local / TILES % 2u;
    let row = local / (2u * TILES);
    for (var pair = 0u; pair < ACROSS / 2u; pair++) {
        workgroupBarrier();
        if role.k / 2u == pair {
            share(role, sums);
        }
        workgroupBarrier();
        if row < 2u {
            let a = gathered(tile, own, row, 0u);
            let b = gathered(tile, own, row, 1u);
            let c = gathered(tile, own, row, 2u);
            let d = gathered(tile, own, row, 3u);
            let at = tile_origin(first_tile + tile);
            let to = k + pair * 2u + own;
            if at.x < batch && at.y + row < H_IN && to < OWN {
                store(at.x, at.y + row, at.z, to, (a + b) + c);
                if at.z + 1u < W_IN {
                    store(at.x, at.y + row, at.z + 1u, to, (b - c) + d);
                }
            }
        }
    }
}

// Image, row and column of a tile's first pixel.
fn tile_origin(tile: u32) -> vec3<u32> {
    return vec3<u32>(tile / (TILES_W * TILES_H), tile / TILES_W % TILES_H * 2u, tile % TILES_W * 2u);
}

fn convolve(local: u32, first_tile: u32, block: u32, batch: u32) {
    let at = tile_origin(first_tile + local % TILES);
    let n = min(at.x, batch - 1u);
    let row = local / TILES;
    let first = places(n, at.y + row - 1u, at.z);
    let second = places(n, at.y + select(0u, 1u, row < 2u), at.z);
    let role = Role(local / (4u * ACROSS), local / ACROSS % 4u, local % ACROSS);
    var near = Sums();
    var far = Sums();
    for (var c = 0u; c < PLANES; c++) {
        workgroupBarrier();
        if row < 4u {
            fill_v(local % TILES, row, first, second, c);
        }
        fill_u(local, block, c);
        workgroupBarrier();
        let low = tiles_of(role.point, role.tile);
        let high = tiles_of(role.point, role.tile + 16u);
        let u_near = filters(role.point, role.k);
        near = Sums(multiply_four(low, u_near, near.low), multiply_four(high, u_near, near.high));
        let u_far = filters(role.point, role.k + ACROSS);
        far = Sums(multiply_four(low, u_far, far.low), multiply_four(high, u_far, far.high));
    }
    finish(local, role, near, first_tile, block * BLOCKS, batch);
    finish(local, role, far, first_tile, block * BLOCKS + ACROSS, batch);
}
