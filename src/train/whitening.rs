//! Whitening of patches (Coates, Ng 2012; in this form Page 2019 and Jordan's airbench, arXiv 2404.00498, section 3.2): the filters of
//! a network's stem become the eigenvectors of the patches' second moments, each over the root of its eigenvalue, and their negatives.

use super::dataset::DeviceImages;
use crate::gpu::Gpu;
use crate::kernels::augment::Normalize;
use crate::nn::{Init, Network, Weights};
use crate::{Error, Result};

/// Images whose patches are taken.
const IMAGES: usize = 5000;
/// Images that are on their way at once.
const BATCH: usize = 250;
/// Added to the eigenvalues.
const EPS: f64 = 5e-4;

/// What stems are whitened by.
pub struct Whitening<'a> {
    /// The device.
    pub gpu: &'a Gpu,
    /// The network.
    pub network: &'a Network,
    /// Its parameters.
    pub weights: &'a Weights,
    /// The data.
    pub data: &'a DeviceImages<'a>,
    /// What becomes of the bytes.
    pub normalize: &'a Normalize,
}

impl Whitening<'_> {
    /// Sets the network's whitening filters by these images, the first 5,000 of them; nothing where it has none.
    ///
    /// # Errors
    /// Filters that are not two for each number of a patch, or a lost device.
    pub fn set(&self, images: &[u32]) -> Result<()> {
        let stems = self.network.parameters.iter().filter(|parameter| parameter.init == Init::Whitening);
        for parameter in stems {
            let [filters, channels, side, _] = *parameter.shape.as_slice() else { continue };
            if filters != 2 * channels * side * side || channels != self.network.input[2] {
                return Err(Error::Shape {
                    layer: parameter.name.clone(),
                    expected: format!("{} filters of {} channels", 2 * channels * side * side, channels),
                    got: format!("{:?}", parameter.shape),
                });
            }
            let moments = self.moments(&images[..images.len().min(IMAGES)], side)?;
            self.weights.set(self.gpu, parameter, &filters_of(&moments))?;
        }
        Ok(())
    }

    /// Mean of the products of a patch's numbers, in the order of a filter's: channel, row, column.
    fn moments(&self, images: &[u32], side: usize) -> Result<Vec<Vec<f64>>> {
        let [height, width, channels] = self.network.input;
        let size = channels * side * side;
        let (rows, columns) = (height - side + 1, width - side + 1);
        let mut sums = vec![vec![0.0f64; size]; size];
        let mut patch = vec![0.0f64; size];
        for images in images.chunks(BATCH) {
            let pixels = self.data.normalized(self.gpu, images, self.normalize)?;
            for place in 0..images.len() * rows * columns {
                let (image, top, left) = (place / (rows * columns), place / columns % rows, place % columns);
                for (i, value) in patch.iter_mut().enumerate() {
                    let (c, h, w) = (i / (side * side), top + i / side % side, left + i % side);
                    *value = f64::from(pixels[((image * height + h) * width + w) * 4 + c]);
                }
                for (row, a) in sums.iter_mut().zip(&patch) {
                    row.iter_mut().zip(&patch).for_each(|(sum, b)| *sum += a * b);
                }
            }
        }
        let patches = (images.len() * rows * columns).max(1) as f64;
        sums.iter_mut().flatten().for_each(|sum| *sum /= patches);
        Ok(sums)
    }
}

/// Rows of the filters: eigenvectors by falling eigenvalue over sqrt(eigenvalue + eps), then their negatives.
fn filters_of(moments: &[Vec<f64>]) -> Vec<f32> {
    let (values, vectors) = eigen(moments);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let row = |&k: &usize| {
        let scale = 1.0 / (values[k].max(0.0) + EPS).sqrt();
        vectors.iter().map(move |row| (scale * row[k]) as f32)
    };
    let half: Vec<f32> = order.iter().flat_map(row).collect();
    half.iter().copied().chain(half.iter().map(|value| -value)).collect()
}

/// Eigenvalues of a symmetric matrix, and its eigenvectors as columns, by Jacobi's rotations (Golub, Van Loan, section 8.5).
pub fn eigen(matrix: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = matrix.len();
    let mut a = matrix.to_vec();
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    let norm = a.iter().flatten().map(|v| v * v).sum::<f64>();
    // It converges quadratically: a matrix of 12 takes about eight sweeps.
    for _ in 0..100 {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        if off <= f64::EPSILON * f64::EPSILON * norm {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    ((0..n).map(|i| a[i][i]).collect(), vectors)
}

/// The rotation of rows and columns p and q that makes their element 0.
fn rotate(a: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    let turn = |row: &mut Vec<f64>| (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
    a.iter_mut().for_each(turn);
    let (top, bottom) = (a[p].clone(), a[q].clone());
    for (k, (x, y)) in top.into_iter().zip(bottom).enumerate() {
        (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y);
    }
    vectors.iter_mut().for_each(turn);
}
