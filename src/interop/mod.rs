//! Files that other programs read: ONNX graphs.

pub mod onnx;
