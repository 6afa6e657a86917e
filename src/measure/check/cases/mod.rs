//! The cases, a file for each family of kernels.

mod activation;
mod augment;
mod batchnorm;
mod batchnorm_backward;
mod batchnorm_forward;
mod bias;
mod ceiling;
mod channels;
mod conv;
mod conv_inputs;
mod dropconnect;
mod dropout;
mod learned;
mod linear;
mod loss;
mod noise;
mod optimizer;
mod philox;
mod pool;
mod reshape;
mod residual;
mod rules;
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
        bias::cases(),
        batchnorm::cases(),
        batchnorm_forward::cases(),
        batchnorm_backward::cases(),
        activation::cases(),
        learned::cases(),
        channels::cases(),
        dropconnect::cases(),
        dropout::cases(),
        residual::cases(),
        pool::cases(),
        reshape::cases(),
        linear::cases(),
        loss::cases(),
        optimizer::cases(),
        rules::cases(),
        ceiling::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
