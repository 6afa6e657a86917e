//! Helpers shared by the test binaries.

pub mod golden_optimizers;

use std::sync::OnceLock;

use wgrad::gpu::{Gpu, Limits, Selection, no_adapter_hint};
use wgrad::train::Observer;

/// The adapter as the program opens it, so that tests and their processes find each other's shaders in the driver's cache.
#[allow(dead_code, reason = "tests/host.rs opens no adapter")]
pub fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| open(Limits::Adapter))
}

/// A device of its own.
#[allow(dead_code, reason = "tests/host.rs opens no adapter")]
pub fn open(limits: Limits) -> Gpu {
    match Gpu::open(&Selection::default(), limits) {
        Ok(gpu) => gpu,
        Err(error) => panic!("{error}\n{}", no_adapter_hint()),
    }
}

/// Watches nothing.
#[allow(dead_code, reason = "tests/host.rs trains nothing")]
pub struct Silent;

impl Observer for Silent {}
