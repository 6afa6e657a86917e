// In the place of lib/multiply_high on drivers that run on the CPU, whose compilers know this form as one multiplication.
fn multiply_high(a: u32, b: u32) -> u32 {
    return u32((u64(a) * u64(b)) >> 32u);
}
