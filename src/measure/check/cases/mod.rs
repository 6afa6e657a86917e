//! The cases, a file for each family of kernels.

mod activation;
mod augment;
mod batchnorm;
mod batchnorm_backward;
mod batchnorm_forward;
mod conv;
mod dropout;
mod linear;
mod loss;
mod noise;
mod optimizer;
mod philox;
mod pool;
mod residual;
mod winograd;

use super::case::Case;

/// All cases, in the order of a training step. Every kernel of [`crate::kernels::KERNELS`] has at least one.
pub fn cases() -> Vec<Case> {
    [
        philox::cases(),
        optimizer::advance_cases(),
        augment::cases(),
        winograd::cases(),
        conv::cases(),
        batchnorm::cases(),
        batchnorm_forward::cases(),
        batchnorm_backward::cases(),
        activation::cases(),
        dropout::cases(),
        residual::cases(),
        pool::cases(),
        linear::cases(),
        loss::cases(),
        optimizer::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
