// Where augment/gather takes a pixel from, by its constants: from random words to shifts, from places outside to those inside.

// A place inside of 0..size for one that may lie outside, by at most size - 1; size where there is none.
fn place(at: i32, size: i32) -> u32 {
    if at >= 0 && at < size {
        return u32(at);
    }
    if FILL == 1u {
        return u32(select(2 * size - 2 - at, -at, at < 0));
    }
    return select(u32(size), u32(clamp(at, 0, size - 1)), FILL == 2u);
}

// A shift in whole pixels from a word.
fn whole(word: u32) -> i32 {
    if SHIFT == 1u {
        let most = i32((word >> 1u) % (CROP + 1u));
        return select(most, -most, (word & 1u) == 1u);
    }
    return i32(word % (2u * CROP + 1u)) - i32(CROP);
}

// A share of the reach from a word.
fn fraction(word: u32) -> f32 {
    return f32(word >> 8u) * (1.0 / 8388608.0) - 1.0; // in -1..1
}

// Whether the square that is cut out covers the pixel.
fn cut_out(middle: vec4<u32>, pixel: u32) -> bool {
    let top = i32(middle.x % HEIGHT) - i32(CUTOUT / 2u);
    let left = i32(middle.y % WIDTH) - i32(CUTOUT / 2u);
    let down = i32(pixel / WIDTH) - top;
    let right = i32(pixel % WIDTH) - left;
    return down >= 0 && down < i32(CUTOUT) && right >= 0 && right < i32(CUTOUT);
}
