//! Measurements on the user's device.

pub mod bench;
