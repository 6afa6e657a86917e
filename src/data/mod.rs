//! Images and labels on the host: the CIFAR-10 binary format, the bundled sample, splits and the order of an epoch.
//!
//! Everything is bytes in NHWC order (R, G, B of a pixel side by side), as the training step uploads it once.

pub mod cifar10;
pub mod image_file;
mod images;
pub mod order;
pub mod sample;
mod source;
pub mod split;

pub use images::{Dataset, Images};
pub use source::{Source, load};
