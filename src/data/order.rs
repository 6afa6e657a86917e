//! The order in which an epoch visits the training images.

use crate::rng::{Sequence, Stream};

/// The indices `train` in the order of epoch `epoch`: a Fisher-Yates shuffle (stream Shuffle, step = epoch, layer 0).
///
/// It depends on its arguments alone, so a resumed run sees the same order without any saved state.
pub fn epoch_order(train: &[u32], seed: u32, epoch: u32) -> Vec<u32> {
    let mut order = train.to_vec();
    Sequence::new(seed, Stream::Shuffle, epoch, 0).shuffle(&mut order);
    order
}
