//! Whether a device computes right, and how fast.

pub mod check;
