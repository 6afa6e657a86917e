//! Philox4x32-10, the counter-based generator behind every random number here (Salmon, Moraes, Dror, Shaw:
//! "Parallel Random Numbers: As Easy as 1, 2, 3", SC'11). The same words come from `shaders/lib/philox.wgsl`.
//!
//! The key is (seed, stream), the counter (element, step, layer, 0): a number depends on what it is for, never on which
//! invocation draws it or in which order. One block gives four words; a tensor's element `e` uses word `e % 4` of the
//! block whose counter starts with `e / 4`.

/// What a random number is for; the second word of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Noise of stochastic activations.
    Activation = 1,
    /// Masks of dropout and its relatives.
    Dropout = 2,
    /// Crop and flip of training images.
    Augment = 3,
    /// Order of the training images and splits.
    Shuffle = 4,
    /// Initial weights.
    Init = 5,
    /// Inputs of tests and checks.
    Test = 6,
}

/// One block of Philox4x32-10: four words from a counter and a key.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    const M0: u64 = 0xD251_1F53;
    const M1: u64 = 0xCD9E_8D57;
    const W0: u32 = 0x9E37_79B9;
    const W1: u32 = 0xBB67_AE85;
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let p0 = M0 * u64::from(c0);
        let p1 = M1 * u64::from(c2);
        (c0, c1, c2, c3) = ((p1 >> 32) as u32 ^ c1 ^ k0, p1 as u32, (p0 >> 32) as u32 ^ c3 ^ k1, p0 as u32);
        k0 = k0.wrapping_add(W0);
        k1 = k1.wrapping_add(W1);
    }
    [c0, c1, c2, c3]
}

/// A word as a uniform number in [0, 1): its top 24 bits, exact in f32.
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// The four uniforms in [0, 1) of block `block` of a (seed, stream, step, layer).
pub fn uniform4(seed: u32, stream: Stream, block: u32, step: u32, layer: u32) -> [f32; 4] {
    philox([block, step, layer, 0], [seed, stream as u32]).map(unit)
}

/// The uniform in [0, 1) of one element of a (seed, stream, step, layer).
pub fn uniform(seed: u32, stream: Stream, element: u32, step: u32, layer: u32) -> f32 {
    uniform4(seed, stream, element / 4, step, layer)[(element % 4) as usize]
}

/// Two standard normals from two uniforms in [0, 1) (Box, Muller 1958): sqrt(-2 ln(1-u)) times cosine and sine of 2 pi v.
pub fn normal_pair(u: f64, v: f64) -> [f64; 2] {
    let radius = (-2.0 * (-u).ln_1p()).sqrt();
    let (sine, cosine) = (std::f64::consts::TAU * v).sin_cos();
    [radius * cosine, radius * sine]
}

/// The four standard normals of block `block` of a (seed, stream, step, layer): a pair from words 0 and 1, one from 2 and 3.
pub fn normal4(seed: u32, stream: Stream, block: u32, step: u32, layer: u32) -> [f64; 4] {
    let [a, b, c, d] = uniform4(seed, stream, block, step, layer).map(f64::from);
    let ([first, second], [third, fourth]) = (normal_pair(a, b), normal_pair(c, d));
    [first, second, third, fourth]
}

/// A sequence of words of one (seed, stream, step, layer): for host-side work such as shuffling and initial weights.
#[derive(Clone, Debug)]
pub struct Sequence {
    key: [u32; 2],
    step: u32,
    layer: u32,
    next: u32,
    block: [u32; 4],
}

impl Sequence {
    /// Starts at element 0.
    pub fn new(seed: u32, stream: Stream, step: u32, layer: u32) -> Self {
        Self { key: [seed, stream as u32], step, layer, next: 0, block: [0; 4] }
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        if self.next.is_multiple_of(4) {
            self.block = philox([self.next / 4, self.step, self.layer, 0], self.key);
        }
        self.next += 1;
        self.block[((self.next - 1) % 4) as usize]
    }

    /// The next uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        f64::from(unit(self.word()))
    }

    /// A whole number in `0..bound`, without bias (multiply-shift with rejection; Lemire 2019). `bound` must not be 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.word()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// The next standard normal (Box-Muller, in f64; both uniforms are fresh).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Fisher-Yates: every order of `items` is equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}
