//! Images and labels on the host: CIFAR-10 and CIFAR-100, folders of images, the bundled sample, splits and the order of an
//! epoch; getting the published data sets.
//!
//! Everything is bytes in NHWC order (R, G, B of a pixel side by side), as the training step uploads it once.

pub mod cifar10;
pub mod cifar100;
pub mod fetch;
mod folder;
pub mod image_file;
pub mod image_folder;
mod images;
pub mod order;
mod pickle;
mod place;
mod planar;
pub mod python;
pub mod sample;
mod source;
pub mod split;
mod verify;

pub use folder::load_folder;
pub use images::{Dataset, Images};
pub use place::{VARIABLE, data_folder};
pub use source::{Source, load, load_sized};
pub use verify::{Verdict, verify};

/// Bytes in lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}
