//! Which training images are trained on and which are kept for validation.

use serde::{Deserialize, Serialize};

use crate::rng::{Sequence, Stream};
use crate::{Error, Result};

/// Indices into [`Dataset::train`](super::Dataset::train); no image is on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Images to train on.
    pub train: Vec<u32>,
    /// Images to validate on; may be empty.
    pub val: Vec<u32>,
}

/// The way to split; in TOML `{ kind = "stratified", fraction = 0.2 }`, `{ kind = "head", train = 45000 }` or
/// `{ kind = "none" }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitKind {
    /// [`stratified`].
    Stratified {
        /// Share of each class that goes to validation, above 0 and below 1.
        fraction: f64,
    },
    /// [`head`].
    Head {
        /// Images to train on, at least 1 and fewer than there are.
        train: usize,
    },
    /// [`random`], by number.
    Random {
        /// Images to train on, at least 1 and fewer than there are.
        train: usize,
    },
    /// [`random`], by share: `ceil(fraction * n)` images for validation, as scikit-learn's `train_test_split` rounds.
    RandomShare {
        /// Share of the images that goes to validation, above 0 and below 1.
        fraction: f64,
    },
    /// [`none`].
    None,
}

impl Default for SplitKind {
    /// 80 % for training, 20 % for validation, each class alike: 40,000 and 10,000 images of CIFAR-10.
    fn default() -> Self {
        Self::Stratified { fraction: 0.2 }
    }
}

impl SplitKind {
    /// Splits the images with these labels, each below `classes`; `seed` matters to the stratified and random kinds.
    pub fn split(&self, labels: &[u8], classes: usize, seed: u32) -> Result<Split> {
        match *self {
            Self::Stratified { fraction } => stratified(labels, classes, fraction, seed),
            Self::Head { train } => head(labels.len(), train),
            Self::Random { train } => random(labels, classes, train, seed),
            Self::RandomShare { fraction } => {
                let validation = (fraction * labels.len() as f64).ceil() as usize;
                random(labels, classes, labels.len().saturating_sub(validation), seed)
            }
            Self::None => Ok(none(labels.len())),
        }
    }
}

/// Takes `round(fraction * n)` of each class's n images for validation, chosen at random; both sides are in random order.
///
/// All images are shuffled once (stream Shuffle, step 0, layer 1); the first ones of each class are for validation. Fails
/// with [`Error::Usage`] for a fraction outside (0, 1), a label not below `classes`, or a class with no image on a side.
pub fn stratified(labels: &[u8], classes: usize, fraction: f64, seed: u32) -> Result<Split> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(Error::usage(format!(
            "split fraction {fraction}: expected a number above 0 and below 1"
        )));
    }
    let mut counts = vec![0usize; classes];
    for (i, &label) in labels.iter().enumerate() {
        let Some(count) = counts.get_mut(label as usize) else {
            return Err(Error::usage(format!(
                "split: image {i} has label {label}, expected below {classes}"
            )));
        };
        *count += 1;
    }
    let mut wanted: Vec<usize> = counts.iter().map(|&n| (fraction * n as f64).round() as usize).collect();
    for (class, (&n, &val)) in counts.iter().zip(&wanted).enumerate() {
        if val == 0 || val == n {
            let side = if val == 0 { "validation" } else { "training" };
            return Err(Error::usage(format!(
                "split fraction {fraction}: class {class} has {n} images and none would be left for {side}; choose \
                 another fraction, or the split `none`"
            )));
        }
    }
    let mut shuffled: Vec<u32> = (0..labels.len() as u32).collect();
    Sequence::new(seed, Stream::Shuffle, 0, 1).shuffle(&mut shuffled);
    let (val, train) = shuffled.into_iter().partition(|&i| {
        let left = &mut wanted[labels[i as usize] as usize];
        let take = *left > 0;
        *left -= usize::from(take);
        take
    });
    Ok(Split { train, val })
}

/// The first `train` of `count` images for training, the others for validation, in file order (45,000 and 5,000 in He et
/// al., "Deep Residual Learning for Image Recognition", 2016). Fails with [`Error::Usage`] unless both sides get some.
pub fn head(count: usize, train: usize) -> Result<Split> {
    if train == 0 || train >= count {
        return Err(Error::usage(format!(
            "split of the first {train} images: expected at least 1 and fewer than the {count} there are; use the split \
             `none` to train on all"
        )));
    }
    Ok(Split { train: (0..train as u32).collect(), val: (train as u32..count as u32).collect() })
}

/// `train` images for training, the others for validation, chosen and ordered at random, whatever their classes (stream
/// Shuffle, step 0, layer 1). Fails with [`Error::Usage`] unless both sides get some, and training some of every class.
pub fn random(labels: &[u8], classes: usize, train: usize, seed: u32) -> Result<Split> {
    if train == 0 || train >= labels.len() {
        return Err(Error::usage(format!(
            "split of {train} random images: expected at least 1 and fewer than the {} there are; use the split `none` to \
             train on all",
            labels.len()
        )));
    }
    let mut shuffled: Vec<u32> = (0..labels.len() as u32).collect();
    Sequence::new(seed, Stream::Shuffle, 0, 1).shuffle(&mut shuffled);
    let val = shuffled.split_off(train);
    let missing = (0..classes).find(|&class| !shuffled.iter().any(|&i| labels[i as usize] as usize == class));
    if let Some(class) = missing {
        return Err(Error::usage(format!(
            "split of {train} random images: none of class {class} is left for training; train on more, or choose the \
             split `stratified`"
        )));
    }
    Ok(Split { train: shuffled, val })
}

/// All `count` images for training, none for validation.
pub fn none(count: usize) -> Split {
    Split { train: (0..count as u32).collect(), val: Vec::new() }
}
