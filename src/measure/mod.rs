//! Measurements on the user's device: whether it computes right, and how fast.

pub mod activation_cost;
pub mod bench;
pub mod check;
pub mod convolutions;
pub mod profile;
mod subject;
pub mod tune;
