//! DropConnect (Wan et al., ICML 2013): masks on the words of flat buffers.

use super::{Mode, Noise, threshold};
use crate::rng;

/// DropConnect in a pass.
#[derive(Clone, Copy, Debug)]
pub struct DropConnect {
    /// Probability of dropping a weight, in [0, 1).
    pub rate: f64,
    /// Where the mask comes from: word w of the flat buffer has word w % 4 of block w / 4.
    pub noise: Noise,
    /// Whether masks are drawn.
    pub mode: Mode,
}

impl DropConnect {
    /// What word number `word` of the flat buffer is multiplied by: 1 or 0, in evaluation the mean.
    pub fn mask(&self, word: usize) -> f64 {
        let Noise { seed, stream, step, layer } = self.noise;
        let u = rng::uniform(seed, stream, word as u32, step, layer);
        match self.mode {
            Mode::Eval => 1.0 - threshold(self.rate),
            Mode::Train if f64::from(u) >= threshold(self.rate) => 1.0,
            Mode::Train => 0.0,
        }
    }

    /// The words times their masks; those that `dropped` marks for each 64 words.
    pub fn apply(&self, words: &[f64], dropped: &[bool]) -> Vec<f64> {
        let factor = |i: usize| if dropped[i / 64] { self.mask(i) } else { 1.0 };
        words.iter().enumerate().map(|(i, word)| word * factor(i)).collect()
    }

    /// Variance of a word times its mask.
    pub fn variance(&self, word: f64) -> f64 {
        self.rate * (1.0 - self.rate) * word * word
    }
}
