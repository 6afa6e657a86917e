//! The host side of `shaders/`, file for folder: Params, shape checks and dispatches of every kernel, and the registry.

pub mod activation;
pub mod augment;
pub mod batchnorm;
pub mod bias;
pub mod ceiling;
pub mod conv;
pub mod dropconnect;
pub mod dropout;
pub mod linear;
pub mod loss;
pub mod optimizer;
pub mod pool;
pub mod reshape;
pub mod residual;
mod rows;

pub use activation::{ACTIVATIONS, Activation, Noise};
pub use rows::Rows;

use crate::gpu::Kernel;

/// Every kernel, in the order of a training step. Tests, `wgrad check`, benches and profiles go through this list.
pub const KERNELS: &[&Kernel] = &[
    &optimizer::ADVANCE,
    &augment::GATHER,
    &augment::MIXUP,
    &dropconnect::WEIGHTS,
    &dropconnect::SQUARE,
    &dropconnect::SAMPLE,
    &conv::WINOGRAD_WEIGHTS,
    &conv::FORWARD_NAIVE,
    &conv::FORWARD_DIRECT,
    &conv::FORWARD_STRIDED,
    &conv::FORWARD_GEMM,
    &conv::FORWARD_TILED,
    &conv::FORWARD_WINOGRAD2,
    &conv::FORWARD_WINOGRAD4,
    &conv::FORWARD_COOP,
    &conv::INPUT_GRADIENT_NAIVE,
    &conv::INPUT_GRADIENT_DIRECT,
    &conv::INPUT_GRADIENT_STRIDE2,
    &conv::INPUT_GRADIENT_GEMM,
    &conv::INPUT_GRADIENT_TILED,
    &conv::INPUT_GRADIENT_WINOGRAD2,
    &conv::INPUT_GRADIENT_WINOGRAD4,
    &conv::INPUT_GRADIENT_COOP,
    &conv::WEIGHT_GRADIENT_NAIVE,
    &conv::WEIGHT_GRADIENT_DIRECT,
    &conv::WEIGHT_GRADIENT_BANDS,
    &conv::WEIGHT_GRADIENT_WINOGRAD4,
    &conv::WEIGHT_GRADIENT_GEMM,
    &conv::WEIGHT_GRADIENT_TILED,
    &conv::WEIGHT_GRADIENT_COOP,
    &bias::FORWARD,
    &bias::GRADIENT,
    &batchnorm::STATISTICS,
    &batchnorm::FORWARD,
    &batchnorm::BACKWARD_REDUCE,
    &batchnorm::BACKWARD,
    &activation::FORWARD,
    &activation::BACKWARD,
    &activation::LEARNED_FORWARD,
    &activation::LEARNED_BACKWARD,
    &activation::DOUBLED_FORWARD,
    &activation::DOUBLED_BACKWARD,
    &activation::MAXOUT_FORWARD,
    &activation::MAXOUT_BACKWARD,
    &dropout::FORWARD,
    &dropout::BLOCK_COUNT,
    &dropout::BLOCK,
    &residual::ADD,
    &residual::BRANCH,
    &residual::BACKWARD,
    &pool::FORWARD,
    &pool::BACKWARD,
    &pool::MAX_FORWARD,
    &pool::MAX_BACKWARD,
    &reshape::FLATTEN,
    &linear::FORWARD,
    &linear::INPUT_GRADIENT,
    &linear::WEIGHT_GRADIENT,
    &linear::FORWARD_NAIVE,
    &linear::INPUT_GRADIENT_NAIVE,
    &linear::WEIGHT_GRADIENT_NAIVE,
    &loss::CROSS_ENTROPY,
    &loss::COLLECT,
    &optimizer::REDUCE,
    &dropconnect::GRADIENT,
    &optimizer::SQUARE_SUM,
    &optimizer::CLIP,
    &optimizer::SGD,
    &optimizer::ADAM,
    &optimizer::RMSPROP,
    &optimizer::MASK,
    &optimizer::AVERAGE,
    &optimizer::SWAP,
    &ceiling::COPY,
    &ceiling::FMA,
];

/// Channels are stored in groups of four, each group's pixels as a plane: N, C/4, H*W, 4. The last group is filled up with
/// zeros.
pub fn groups_of_four(channels: usize) -> usize {
    channels.div_ceil(4)
}

/// Rows of channels (n, pixel, channel) as stored, in planes of four channels.
pub fn pack_planes<T: Copy + Default>(rows: &[T], pixels: usize, channels: usize) -> Vec<T> {
    let c4 = groups_of_four(channels);
    let mut packed = vec![T::default(); rows.len() / channels * c4 * 4];
    for (row, values) in rows.chunks_exact(channels).enumerate() {
        let (image, pixel) = (row / pixels, row % pixels);
        for (c, &value) in values.iter().enumerate() {
            packed[((image * c4 + c / 4) * pixels + pixel) * 4 + c % 4] = value;
        }
    }
    packed
}

/// The text of a shader file.
macro_rules! shader {
    ($($path:literal),+) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $($path,)+ ".wgsl"))
    };
}
pub(crate) use shader;

/// Library texts that kernels name.
pub(crate) mod lib {
    pub const INDEX: &str = shader!("lib/index");
    pub const PHILOX: &str = crate::gpu::PHILOX;
    pub const STATE: &str = shader!("lib/state");
    pub const PLACEMENT: &str = shader!("lib/placement");
    pub const UPDATE: &str = shader!("lib/update");
    pub const ROWS: &str = shader!("lib/rows");
    pub const FOUR: &str = crate::gpu::FOUR;
    pub const REDUCE: &str = shader!("lib/reduce");
    pub const ACTIVATION: &str = shader!("lib/activation");
    pub const DETERMINISTIC: &str = shader!("lib/deterministic");
    pub const LEARNED: &str = shader!("lib/learned");
    pub const LEARNED4: &str = shader!("lib/learned4");
    pub const CHANNEL: &str = shader!("lib/channel");
    pub const PIECES: &str = shader!("lib/pieces");
    pub const ELEMENTARY: &str = shader!("lib/elementary");
    pub const GAAF: &str = shader!("lib/gaaf");
    pub const GAAF_BELL: &str = shader!("lib/gaaf_bell");
    pub const NORMAL: &str = shader!("lib/normal");
    pub const NOISE_NORMAL: &str = shader!("lib/noise_normal");
    pub const NOISE_UNIFORM: &str = shader!("lib/noise_uniform");
    pub const NORMALIZE: &str = shader!("lib/normalize");
    pub const BRANCH: &str = shader!("lib/branch");
    pub const DROPBLOCK: &str = shader!("lib/dropblock");
    pub const COUNT: &str = shader!("lib/count");
    pub const CONNECTIONS: &str = shader!("lib/connections");
    pub const SHORTCUT: &str = shader!("lib/shortcut");
    pub const DIRECT3X3: &str = shader!("lib/direct3x3");
    pub const TAP_SUMS: &str = shader!("lib/tap_sums");
    pub const TILED3X3: &str = shader!("lib/tiled3x3");
    pub const GEMM: &str = shader!("lib/gemm");
    pub const IM2COL: &str = shader!("lib/im2col");
    pub const IM2COL_GRADIENT: &str = shader!("lib/im2col_gradient");
    pub const COOP: &str = shader!("lib/coop");
    pub const COOP_PIXELS: &str = shader!("lib/coop_pixels");
    pub const COOP16: &str = crate::gpu::COOP16;
    pub const MOMENTS: &str = shader!("lib/moments");
    pub const WINOGRAD2: &str = shader!("lib/winograd2");
    pub const WINOGRAD4: &str = shader!("lib/winograd4");
    pub const WINOGRAD4_GRADIENT: &str = shader!("lib/winograd4_gradient");
    pub const CHUNK_STATISTICS: &str = shader!("lib/chunk_statistics");
}
