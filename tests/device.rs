//! Tests that need an adapter, a software one is enough: every kernel and whole networks against the f64 twins.

mod device {
    pub mod kernels;
    pub mod network;
}
mod support;
