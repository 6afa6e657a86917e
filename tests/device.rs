//! Tests that need an adapter, a software one is enough: every kernel and whole networks against the f64 twins, the
//! program against PyTorch's numbers.

mod device {
    pub mod activations;
    pub mod airbench;
    pub mod cli;
    pub mod custom;
    pub mod cut;
    pub mod divergence;
    pub mod draws;
    pub mod faults;
    pub mod gaaf;
    pub mod golden;
    pub mod images;
    pub mod init;
    pub mod initial;
    pub mod kernels;
    pub mod kills;
    pub mod lost;
    pub mod memory;
    pub mod monte_carlo;
    pub mod network;
    pub mod optimizers;
    pub mod out_of_memory;
    pub mod recompute;
    pub mod regularizers;
    pub mod resume;
    pub mod streaming;
    pub mod training;
}
mod support;
