//! The runtime over wgpu: adapters, buffers, kernels, plans. It knows no networks.

mod adapter;
mod buffer;
mod cache;
mod device;
mod heaps;
mod inspect;
mod kernel;
mod memory;
mod paths;
mod pipeline;
mod plan;
mod readback;
mod shader;
mod timestamps;
mod upload;

pub use adapter::{AdapterRow, Selection, adapters, find_selected, install_hints, no_adapter_hint};
pub use buffer::{Buffer, View};
pub(crate) use cache::{cache_folder, keep};
pub use device::{Gpu, Limits};
pub use heaps::AdapterMemory;
pub use inspect::{Fault, Signature, inspect};
pub use kernel::{Access, Binding, Dispatch, Groups, Kernel};
pub use paths::AdapterPath;
pub use pipeline::Mutation;
pub use plan::{MOST_FLOPS, Plan, Recorder, Work};
pub use readback::Readback;
pub use shader::{
    COOP16, Constants, FOUR, MATRICES8, PHILOX, ShaderText, Substitute, WORDS64, compose, substitute,
};
pub use timestamps::{Clock, Span};
pub use upload::Uploads;
