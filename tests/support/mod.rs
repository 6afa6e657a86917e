//! Helpers shared by the test binaries.

pub mod golden_optimizers;

use std::sync::OnceLock;

use wgrad::gpu::{Gpu, Limits, Selection, no_adapter_hint};

/// The adapter that all device tests share, restricted to WebGPU's default limits.
#[allow(dead_code, reason = "tests/host.rs opens no adapter")]
pub fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| match Gpu::open(&Selection::default(), Limits::WebGpu) {
        Ok(gpu) => gpu,
        Err(error) => panic!("{error}\n{}", no_adapter_hint()),
    })
}
