// GEMM by cooperative matrices: a tile of 64 rows x TILE_N4 groups of columns (4 or 8), summed over in steps of 16. Operands
// are rounded to f16 as they enter workgroup memory, sums are f32. The kernel's file gives Job and what an invocation brings
// for each step: load_left(job, step, 0 or 1), load_right(job, step), and keep_left and keep_right, which write it to tile_left
// and tile_right. WORKGROUP is 128. A subgroup owns strips of SIDE rows, whatever its size; where there are more subgroups than
// strips, some make the last one too.
const ROWS = 64u;
const DEPTH = 16u;
const LEFT_PITCH = ROWS + 8u; // other banks for the next row, 16 bytes of alignment
const RIGHT_PITCH = TILE_N4 * 4u + 8u;
const OUT_PITCH = ROWS + 4u;
const STRIPS = ROWS / SIDE;
const ACROSS = TILE_N4 * 4u / SIDE; // matrices of a strip: 1, 2 or 4

var<workgroup> tile_left: array<f16, DEPTH * LEFT_PITCH>; // summed over, row
var<workgroup> tile_right: array<f16, DEPTH * RIGHT_PITCH>; // summed over, column
var<workgroup> tile_out: array<f32, TILE_N4 * 4u * OUT_PITCH>; // column, row

fn left_at(depth: u32, row: u32) -> Left {
    return coopLoad<Left>(&tile_left[depth * LEFT_PITCH + row], LEFT_PITCH);
}

fn right_at(depth: u32, column: u32) -> Right {
    return coopLoadT<Right>(&tile_right[depth * RIGHT_PITCH + column], RIGHT_PITCH);
}

// Leaves the tile in tile_out; every invocation must call it.
fn multiply(job: Job, steps: u32, local: u32, subgroup: u32, subgroups: u32) {
    for (var turn = 0u; turn < (STRIPS + subgroups - 1u) / subgroups; turn++) {
        let row = min(turn * subgroups + subgroup, STRIPS - 1u) * SIDE;
        var s0 = Sums();
        var s1 = Sums();
        var s2 = Sums();
        var s3 = Sums();
        var a = load_left(job, 0u, 0u);
        var b = load_left(job, 0u, 1u);
        var c = load_right(job, 0u);
        for (var step = 0u; step < steps; step++) {
            workgroupBarrier();
            keep_left(local, 0u, a);
            keep_left(local, 1u, b);
            keep_right(local, c);
            workgroupBarrier();
            // The next step's loads are under way while this one is multiplied.
            a = load_left(job, step + 1u, 0u);
            b = load_left(job, step + 1u, 1u);
            c = load_right(job, step + 1u);
            for (var d = 0u; d < DEPTH; d += SIDE) {
                let left = left_at(d, row);
                s0 = coopMultiplyAdd(left, right_at(d, 0u), s0);
                if ACROSS > 1u {
                    s1 = coopMultiplyAdd(left, right_at(d, SIDE), s1);
                }
                if ACROSS > 2u {
                    s2 = coopMultiplyAdd(left, right_at(d, 2u * SIDE), s2);
                    s3 = coopMultiplyAdd(left, right_at(d, 3u * SIDE), s3);
                }
            }
        }
        coopStore(s0, &tile_out[row], OUT_PITCH);
        if ACROSS > 1u {
            coopStore(s1, &tile_out[SIDE * OUT_PITCH + row], OUT_PITCH);
        }
        if ACROSS > 2u {
            coopStore(s2, &tile_out[2u * SIDE * OUT_PITCH + row], OUT_PITCH);
            coopStore(s3, &tile_out[3u * SIDE * OUT_PITCH + row], OUT_PITCH);
        }
    }
    workgroupBarrier();
}

// Four columns of a row.
fn out_at(row: u32, group: u32) -> vec4<f32> {
    let at = 4u * group * OUT_PITCH + row;
    return vec4<f32>(
        tile_out[at], tile_out[at + OUT_PITCH], tile_out[at + 2u * OUT_PITCH], tile_out[at + 3u * OUT_PITCH],
    );
}
