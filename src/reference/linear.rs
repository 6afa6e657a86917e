//! The fully connected layer y = x W^T + b.

use super::check_len;

/// The sizes of one layer; its weight is (out_features, in_features).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Length of an input row.
    pub in_features: usize,
    /// Length of an output row.
    pub out_features: usize,
}

impl Linear {
    /// y(n, o) = bias(o) + sum over i of x(n, i)*weight(o, i); x is (n, in), the result (n, out).
    pub fn forward(&self, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
        check_len("weight", weight, self.out_features * self.in_features);
        check_len("bias", bias, self.out_features);
        let n = rows("x", x, self.in_features);
        let mut y = vec![0.0; n * self.out_features];
        for n in 0..n {
            for o in 0..self.out_features {
                let mut sum = bias[o];
                for i in 0..self.in_features {
                    sum += x[n * self.in_features + i] * weight[o * self.in_features + i];
                }
                y[n * self.out_features + o] = sum;
            }
        }
        y
    }

    /// dx(n, i) = sum over o of dy(n, o)*weight(o, i).
    pub fn input_gradient(&self, dy: &[f64], weight: &[f64]) -> Vec<f64> {
        check_len("weight", weight, self.out_features * self.in_features);
        let n = rows("dy", dy, self.out_features);
        let mut dx = vec![0.0; n * self.in_features];
        for n in 0..n {
            for i in 0..self.in_features {
                for o in 0..self.out_features {
                    dx[n * self.in_features + i] +=
                        dy[n * self.out_features + o] * weight[o * self.in_features + i];
                }
            }
        }
        dx
    }

    /// dw(o, i) = sum over n of dy(n, o)*x(n, i).
    pub fn weight_gradient(&self, x: &[f64], dy: &[f64]) -> Vec<f64> {
        let n = rows("x", x, self.in_features);
        check_len("dy", dy, n * self.out_features);
        let mut dw = vec![0.0; self.out_features * self.in_features];
        for n in 0..n {
            for o in 0..self.out_features {
                for i in 0..self.in_features {
                    dw[o * self.in_features + i] +=
                        dy[n * self.out_features + o] * x[n * self.in_features + i];
                }
            }
        }
        dw
    }

    /// db(o) = sum over n of dy(n, o).
    pub fn bias_gradient(&self, dy: &[f64]) -> Vec<f64> {
        let n = rows("dy", dy, self.out_features);
        let mut db = vec![0.0; self.out_features];
        for n in 0..n {
            for (o, db) in db.iter_mut().enumerate() {
                *db += dy[n * self.out_features + o];
            }
        }
        db
    }
}

/// How many rows of `features` the slice has.
fn rows(name: &str, slice: &[f64], features: usize) -> usize {
    assert!(
        slice.len().is_multiple_of(features),
        "{name} has {} elements, expected rows of {features}",
        slice.len()
    );
    slice.len() / features
}
