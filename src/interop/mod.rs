//! Files that other programs read: ONNX graphs, events of TensorBoard.

pub mod onnx;
pub mod tensorboard;
