//! Philox against its authors' known answers, and what is built on it.

use proptest::prelude::*;
use wgrad::rng::{Sequence, Stream, philox, uniform, uniform4, unit};

/// Five standard deviations of a binomial count: exceeded by chance less than once in a million.
fn five_sigma(count: u32, probability: f64) -> f64 {
    5.0 * (f64::from(count) * probability * (1.0 - probability)).sqrt()
}

fn assert_share(what: &str, hits: u32, count: u32, probability: f64) {
    let difference = (f64::from(hits) - f64::from(count) * probability).abs();
    let limit = five_sigma(count, probability);
    assert!(difference <= limit, "{what}: {hits} of {count}, expected a share of {probability}");
}

/// The three vectors for philox4x32-10 in Random123's kat_vectors.
#[test]
fn known_answers() {
    let answer = philox([0; 4], [0; 2]);
    assert_eq!(answer, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    let answer = philox([u32::MAX; 4], [u32::MAX; 2]);
    assert_eq!(answer, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    let counter = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
    let answer = philox(counter, [0xa409_3822, 0x299f_31d0]);
    assert_eq!(answer, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
}

#[test]
fn unit_takes_the_top_24_bits() {
    assert_eq!(unit(0), 0.0);
    assert_eq!(unit(0xff), 0.0);
    assert_eq!(unit(0x100), 1.0 / 16_777_216.0);
    assert_eq!(unit(0x8000_0000), 0.5);
    assert_eq!(unit(u32::MAX), 1.0 - 1.0 / 16_777_216.0);
}

#[test]
fn counter_and_key_are_in_their_places() {
    let words = philox([11, 12, 13, 0], [7, Stream::Augment as u32]);
    assert_eq!(uniform4(7, Stream::Augment, 11, 12, 13), words.map(unit));
    for word in 0..4 {
        assert_eq!(uniform(7, Stream::Augment, 44 + word, 12, 13), unit(words[word as usize]));
    }
    let streams =
        [Stream::Activation, Stream::Dropout, Stream::Augment, Stream::Shuffle, Stream::Init, Stream::Test];
    assert_eq!(streams.map(|stream| stream as u32), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_sequence_draws_the_elements_in_order() {
    let mut sequence = Sequence::new(3, Stream::Init, 5, 8);
    for element in 0..41 {
        assert_eq!(
            sequence.uniform(),
            f64::from(uniform(3, Stream::Init, element, 5, 8)),
            "element {element}"
        );
    }
}

/// Every value below the bound turns up equally often. The bound 3*2^30 tells the faulty ways apart: a modulo doubles the
/// first third, a multiply-shift without rejection doubles every third value.
#[test]
fn below_is_unbiased() {
    let mut sequence = Sequence::new(1, Stream::Test, 0, 0);
    for bound in [2_u32, 3, 41] {
        let count = 30_000;
        let mut hits = vec![0; bound as usize];
        for _ in 0..count {
            hits[sequence.below(bound) as usize] += 1;
        }
        for (value, &hits) in hits.iter().enumerate() {
            assert_share(&format!("{value} below {bound}"), hits, count, 1.0 / f64::from(bound));
        }
    }
    let count = 30_000;
    let (mut thirds, mut residues) = ([0; 3], [0; 3]);
    for _ in 0..count {
        let value = sequence.below(3 << 30);
        thirds[(value >> 30) as usize] += 1;
        residues[(value % 3) as usize] += 1;
    }
    for hits in thirds.into_iter().chain(residues) {
        assert_share("third", hits, count, 1.0 / 3.0);
    }
}

#[test]
fn every_order_is_equally_likely() {
    let mut sequence = Sequence::new(2, Stream::Shuffle, 0, 0);
    let count = 24_000;
    let mut hits = std::collections::BTreeMap::new();
    for _ in 0..count {
        let mut items = [0, 1, 2, 3];
        sequence.shuffle(&mut items);
        *hits.entry(items).or_insert(0) += 1;
    }
    assert_eq!(hits.len(), 24);
    for (order, hits) in hits {
        assert_share(&format!("{order:?}"), hits, count, 1.0 / 24.0);
    }
}

/// Mean, variance and the share beyond two deviations, within five standard errors.
#[test]
fn normals_are_standard() {
    let count = 40_000;
    let mut sequence = Sequence::new(4, Stream::Init, 0, 0);
    let draws: Vec<f64> = (0..count).map(|_| sequence.normal()).collect();
    let mean = draws.iter().sum::<f64>() / f64::from(count);
    let second = draws.iter().map(|x| x * x).sum::<f64>() / f64::from(count);
    assert!(mean.abs() < 5.0 / f64::from(count).sqrt(), "mean {mean}");
    assert!((second - 1.0).abs() < 5.0 * (2.0 / f64::from(count)).sqrt(), "second moment {second}");
    for (tail, name) in [(2.0, "above 2"), (-2.0, "below -2")] {
        let hits = draws.iter().filter(|&&x| x * tail > 4.0).count() as u32;
        assert_share(name, hits, count, 0.022_750_131_948_179_2);
    }
}

proptest! {
    #[test]
    fn units_are_below_one(word in any::<u32>()) {
        prop_assert!((0.0..1.0).contains(&unit(word)));
        prop_assert_eq!(unit(word) * 16_777_216.0, (word / 256) as f32);
    }

    #[test]
    fn below_keeps_its_bound(seed in any::<u32>(), bound in 1..=u32::MAX) {
        let mut sequence = Sequence::new(seed, Stream::Test, 0, 0);
        for _ in 0..20 {
            prop_assert!(sequence.below(bound) < bound);
        }
    }

    #[test]
    fn shuffles_are_permutations(seed in any::<u32>(), len in 0_usize..300) {
        let mut items: Vec<usize> = (0..len).collect();
        Sequence::new(seed, Stream::Shuffle, 0, 0).shuffle(&mut items);
        items.sort_unstable();
        prop_assert_eq!(items, (0..len).collect::<Vec<_>>());
    }
}
