//! What test-time augmentation and whitening do on the host.

use wgrad::config::Tta;
use wgrad::data::Images;
use wgrad::rng::{Sequence, Stream};
use wgrad::train::{ImageView, eigen, views};

/// A symmetric matrix is its eigenvectors times its eigenvalues times them again, and they are orthonormal.
#[test]
fn a_matrix_is_what_its_eigenvectors_say() {
    for (n, seed) in [(1, 1), (2, 2), (12, 3), (12, 4), (27, 5)] {
        let mut sequence = Sequence::new(seed, Stream::Test, 0, 0);
        let half: Vec<f64> = (0..n * n).map(|_| sequence.normal()).collect();
        let row = |i: usize| (0..n).map(|j| half[i.min(j) * n + i.max(j)]).collect();
        let matrix: Vec<Vec<f64>> = (0..n).map(row).collect();
        let (values, vectors) = eigen(&matrix);
        // Some sweeps of n^2 / 2 rotations, each rounding numbers of up to the matrix' norm.
        let norm = matrix.iter().flatten().map(|v| v * v).sum::<f64>().sqrt();
        let most = 10.0 * (n * n) as f64 * f64::EPSILON * norm.max(1.0);
        for (i, row) in matrix.iter().enumerate() {
            for (j, element) in row.iter().enumerate() {
                let product: f64 = (0..n).map(|k| vectors[i][k] * values[k] * vectors[j][k]).sum();
                assert!((product - element).abs() <= most, "{n}: {i}, {j}");
                let dot: f64 = (0..n).map(|k| vectors[k][i] * vectors[k][j]).sum();
                assert!((dot - if i == j { 1.0 } else { 0.0 }).abs() <= most, "{n}: columns {i}, {j}");
            }
        }
    }
}

/// A 3 x 3 image whose red counts its pixels, row by row.
fn image() -> Images {
    let pixels = (0..9).flat_map(|i| [i, 100, 200 + i]).collect();
    Images { pixels, labels: vec![4], ..Images::empty(3, 3) }
}

fn red(view: ImageView) -> Vec<u8> {
    let images = view.of(&image());
    assert_eq!((images.labels.as_slice(), images.height, images.width), (&[4][..], 3, 3));
    assert!(images.pixels.chunks_exact(3).all(|p| p[1] == 100 && p[2] == 200 + p[0]));
    images.pixels.chunks_exact(3).map(|p| p[0]).collect()
}

/// By hand: `F.pad(x, (1,) * 4, 'reflect')` cut at its first and last rows and columns, then flipped.
#[test]
fn views_are_those_of_airbench() {
    let view = |mirrored, shift| red(ImageView { mirrored, shift });
    assert_eq!(view(false, 0), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(view(true, 0), [2, 1, 0, 5, 4, 3, 8, 7, 6]);
    assert_eq!(view(false, -1), [4, 3, 4, 1, 0, 1, 4, 3, 4]);
    assert_eq!(view(false, 1), [4, 5, 4, 7, 8, 7, 4, 5, 4]);
    assert_eq!(view(true, 1), [4, 5, 4, 7, 8, 7, 4, 5, 4]);
    assert_eq!(view(true, -1), [4, 3, 4, 1, 0, 1, 4, 3, 4]);
}

#[test]
fn weights_of_views_sum_to_one() {
    for (tta, count) in [(Tta::None, 1), (Tta::Flip, 2), (Tta::FlipTranslate, 6)] {
        let all = views(tta);
        assert_eq!((all.len(), all.iter().map(|view| view.1).sum::<f64>()), (count, 1.0), "{tta:?}");
        let plain = all.iter().filter(|view| view.0.shift == 0).map(|view| view.1).sum::<f64>();
        assert_eq!(plain, if tta == Tta::FlipTranslate { 0.5 } else { 1.0 });
    }
}
