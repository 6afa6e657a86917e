//! Statistics of ten million draws a stream. Seeds are fixed, so a test passes or fails for good; each statistic is turned
//! into a standard normal one, and |z| <= 5.2 asks for a two-sided p-value of at least 2e-7. The 250 statistics together
//! would fail a perfect generator with a probability of 5e-5.

use rayon::prelude::*;
use wgrad::rng::{Stream, normal4, uniform4};

/// Largest |z|: p = 2e-7.
const MOST: f64 = 5.2;
const DRAWS: u32 = 10_000_000;
const BLOCKS: u32 = DRAWS / 4;
const STREAMS: [Stream; 6] =
    [Stream::Activation, Stream::Dropout, Stream::Augment, Stream::Shuffle, Stream::Init, Stream::Test];

/// A place in the counters that a network uses: seed, stream, step, layer.
#[derive(Clone, Copy, Debug)]
struct Place {
    seed: u32,
    stream: Stream,
    step: u32,
    layer: u32,
}

const PLACE: Place = Place { seed: 0, stream: Stream::Activation, step: 1000, layer: 17 };

impl Place {
    fn uniforms(self, block: u32) -> [f64; 4] {
        uniform4(self.seed, self.stream, block, self.step, self.layer).map(f64::from)
    }

    fn normals(self, block: u32) -> [f64; 4] {
        normal4(self.seed, self.stream, block, self.step, self.layer)
    }
}

#[track_caller]
fn assert_z(what: &str, z: f64) {
    assert!(z.abs() <= MOST, "{what}: z = {z:.2}, expected at most {MOST} (p = 2e-7)");
}

/// Sums of powers 1 to 4 of all draws, in a fixed order.
fn power_sums(draw: impl Fn(u32) -> [f64; 4] + Sync) -> [f64; 4] {
    const CHUNK: u32 = 10_000;
    let of = |chunk: u32| {
        let mut sums = [0.0; 4];
        for block in chunk * CHUNK..(chunk + 1) * CHUNK {
            for value in draw(block) {
                let square = value * value;
                for (sum, power) in sums.iter_mut().zip([value, square, square * value, square * square]) {
                    *sum += power;
                }
            }
        }
        sums
    };
    let parts: Vec<[f64; 4]> = (0..BLOCKS / CHUNK).into_par_iter().map(of).collect();
    parts.iter().fold([0.0; 4], |all, part| std::array::from_fn(|i| all[i] + part[i]))
}

/// z of the mean of a power whose expectation and variance are known.
fn z_of_mean(sum: f64, expected: f64, variance: f64) -> f64 {
    let n = f64::from(DRAWS);
    (sum / n - expected) / (variance / n).sqrt()
}

/// E[U^k] = 1/(k+1), Var[U^k] = 1/(2k+1) - 1/(k+1)^2.
#[test]
fn moments_of_uniforms() {
    for stream in STREAMS {
        let place = Place { stream, ..PLACE };
        // A draw is the middle of its cell of width 2^-24, less half of that.
        let sums = power_sums(|block| place.uniforms(block).map(|u| u + 0.5 / 16_777_216.0));
        for (k, sum) in (1..=4).zip(sums) {
            let k = f64::from(k);
            let (mean, square) = (1.0 / (k + 1.0), 1.0 / (2.0 * k + 1.0));
            assert_z(&format!("{stream:?}, moment {k}"), z_of_mean(sum, mean, square - mean * mean));
        }
    }
}

/// E[Z^k] = 0, 1, 0, 3 with variances 1, 2, 15, 96.
#[test]
fn moments_of_normals() {
    for stream in [Stream::Activation, Stream::Dropout] {
        let place = Place { stream, ..PLACE };
        let sums = power_sums(|block| place.normals(block));
        for (k, (sum, (mean, variance))) in
            sums.into_iter().zip([(0.0, 1.0), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)]).enumerate()
        {
            assert_z(&format!("normals of {stream:?}, moment {}", k + 1), z_of_mean(sum, mean, variance));
        }
    }
}

/// z of Pearson's statistic over `bins` equally likely bins, by Wilson and Hilferty's cube root.
fn chi_square(bins: usize, bin: impl Fn(u32) -> [usize; 4] + Sync) -> f64 {
    let counts = (0..BLOCKS)
        .into_par_iter()
        .fold(
            || vec![0u32; bins],
            |mut counts, block| {
                bin(block).into_iter().for_each(|i| counts[i] += 1);
                counts
            },
        )
        .reduce(|| vec![0u32; bins], |a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect());
    let expected = f64::from(DRAWS) / bins as f64;
    let statistic: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    let freedom = (bins - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    ((statistic / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

#[test]
fn chi_square_of_uniforms() {
    for stream in STREAMS {
        let place = Place { stream, ..PLACE };
        let top = |u: f64| (u * 4096.0) as usize;
        assert_z(&format!("{stream:?}, top bits"), chi_square(4096, |block| place.uniforms(block).map(top)));
        // The lowest 12 of the 24 bits.
        let low = |u: f64| (u * 16_777_216.0) as usize % 4096;
        assert_z(&format!("{stream:?}, low bits"), chi_square(4096, |block| place.uniforms(block).map(low)));
        // Neighbouring words of a block, 64 x 64.
        let pairs = |block| {
            let u = place.uniforms(block).map(|u| (u * 64.0) as usize);
            std::array::from_fn(|i| 64 * u[i] + u[(i + 1) % 4])
        };
        assert_z(&format!("{stream:?}, neighbours"), chi_square(4096, pairs));
    }
}

#[test]
fn chi_square_of_normals() {
    use wgrad::reference::real::Real;
    let share = |z: f64| 0.5 * Real::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
    let bin = |z: f64| ((share(z) * 256.0) as usize).min(255);
    assert_z("normals", chi_square(256, |block| PLACE.normals(block).map(bin)));
    // Angles of the pairs that a Box-Muller step makes: equally likely everywhere.
    let angle = |a: f64, b: f64| {
        let turn = b.atan2(a) / std::f64::consts::TAU;
        ((turn - turn.floor()) * 256.0) as usize % 256
    };
    let angles = |block| {
        let [a, b, c, d] = PLACE.normals(block);
        // Pairs within, and one across, which are independent of each other.
        [angle(a, b), angle(c, d), angle(a, b), angle(c, d)]
    };
    // Each angle counts twice, so that the statistic is twice as large: halve what it exceeds.
    let twice = chi_square(256, angles);
    let spread: f64 = 2.0 / (9.0 * 255.0);
    let statistic = 255.0 * (twice * spread.sqrt() + 1.0 - spread).powi(3) / 2.0;
    assert_z("angles of pairs", ((statistic / 255.0).cbrt() - (1.0 - spread)) / spread.sqrt());
}

/// z of the correlation of two lists of standardised draws: sqrt(n) times its coefficient.
fn correlation(pair: impl Fn(u32) -> [(f64, f64); 4] + Sync) -> f64 {
    let chunk = |chunk: u32| {
        let blocks = chunk * 10_000..(chunk + 1) * 10_000;
        blocks.flat_map(&pair).map(|(a, b)| a * b).sum::<f64>()
    };
    let parts: Vec<f64> = (0..BLOCKS / 10_000).into_par_iter().map(chunk).collect();
    parts.iter().sum::<f64>() / f64::from(DRAWS).sqrt()
}

/// Neighbours in every coordinate of key and counter, and elements at the distances of a network's layouts.
#[test]
fn neighbours_do_not_correlate() {
    let standard = |u: f64| (u + 0.5 / 16_777_216.0 - 0.5) * 12.0_f64.sqrt();
    let mut others = Vec::new();
    for by in [1, 2, 3, 5, 16] {
        others.push((format!("layer + {by}"), Place { layer: PLACE.layer + by, ..PLACE }));
        others.push((format!("step + {by}"), Place { step: PLACE.step + by, ..PLACE }));
        others.push((format!("seed + {by}"), Place { seed: PLACE.seed + by, ..PLACE }));
    }
    // A step's layer against another step's other layer, as the sum of both stays.
    others.push((
        "step + 1, layer - 1".to_owned(),
        Place { step: PLACE.step + 1, layer: PLACE.layer - 1, ..PLACE },
    ));
    others
        .push(("step and layer swapped".to_owned(), Place { step: PLACE.layer, layer: PLACE.step, ..PLACE }));
    for stream in &STREAMS[1..] {
        others.push((format!("stream {stream:?}"), Place { stream: *stream, ..PLACE }));
    }
    for (what, other) in others {
        let pair = |block: u32| {
            let (a, b) = (PLACE.uniforms(block).map(standard), other.uniforms(block).map(standard));
            std::array::from_fn(|i| (a[i], b[i]))
        };
        assert_z(&what, correlation(pair));
        let normals = |block: u32| {
            let (a, b) = (PLACE.normals(block), other.normals(block));
            std::array::from_fn(|i| (a[i], b[i]))
        };
        assert_z(&format!("normals, {what}"), correlation(normals));
    }
    for distance in [1, 2, 4, 16, 1024, 4096] {
        let pair = |block: u32| {
            let (a, b) =
                (PLACE.uniforms(block).map(standard), PLACE.uniforms(block + distance).map(standard));
            std::array::from_fn(|i| (a[i], b[i]))
        };
        assert_z(&format!("{distance} blocks apart"), correlation(pair));
    }
    for shift in 1..4 {
        let within = |block: u32| {
            let (u, z) = (PLACE.uniforms(block).map(standard), PLACE.normals(block));
            // Both halves of the sum: uniforms of a block, and normals of a block.
            [(u[0], u[shift]), (u[3], u[3 - shift]), (z[0], z[shift]), (z[3], z[3 - shift])]
        };
        assert_z(&format!("{shift} words apart"), correlation(within));
    }
}

/// The tests can fail: a generator with a bias of 0.2 %, one that repeats, one that shares a tenth.
#[test]
fn flawed_generators_are_found() {
    let biased = |block: u32| PLACE.uniforms(block).map(|u| u * 0.998 + 0.5 / 16_777_216.0);
    assert!(z_of_mean(power_sums(biased)[0], 0.5, 1.0 / 12.0).abs() > MOST);
    let coarse = |block: u32| PLACE.uniforms(block).map(|u| ((u * 1e4).round() / 1e4 * 4095.9) as usize);
    assert!(chi_square(4096, coarse).abs() > MOST);
    let shared = |block: u32| {
        let (a, b) = (PLACE.normals(block), Place { layer: 3, ..PLACE }.normals(block));
        std::array::from_fn(|i| (a[i], 0.005 * a[i] + b[i]))
    };
    assert!(correlation(shared) > MOST);
}
