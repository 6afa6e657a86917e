// High word of the 64-bit product, from 16-bit halves. lib/multiply_high64 says the same where there are words of 64 bits.
fn multiply_high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let middle_a = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let middle_b = (a & 0xffffu) * (b >> 16u) + (middle_a & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (middle_a >> 16u) + (middle_b >> 16u);
}
