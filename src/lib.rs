//! Training of convolutional networks in hand-written WGSL compute shaders, on any Vulkan, Metal or DX12 GPU.
//!
//! A training step is a [`gpu::Plan`]: a flat list of dispatches over buffers that are allocated once, written out by a
//! network when it is built and replayed every step. Random numbers are a pure function of (seed, stream, element, step,
//! layer), see [`rng`]; the CPU twins of all kernels, in f64, are in [`mod@reference`].

pub mod config;
pub mod data;
pub mod error;
pub mod gpu;
pub mod interop;
pub mod kernels;
pub mod measure;
pub mod nn;
pub mod reference;
pub mod report;
pub mod rng;
pub mod train;

pub use error::{Error, Result};
