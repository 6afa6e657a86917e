// The greatest of PIECES channels of x that follow each other, and the first place that has it.
struct Piece { value: f32, place: u32 }

fn best_piece(row: u32, k: u32, count: u32) -> Piece {
    var best = Piece(four(x[channel_place(row, k * PIECES, count)])[k * PIECES % 4u], 0u);
    for (var j = 1u; j < PIECES; j++) {
        let c = k * PIECES + j;
        let v = four(x[channel_place(row, c, count)])[c % 4u];
        if v > best.value {
            best = Piece(v, j);
        }
    }
    return best;
}
