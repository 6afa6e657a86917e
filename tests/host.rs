//! Tests that need no GPU: formats, references, layouts, layering, command line.

mod support;

mod host {
    pub mod activations;
    pub mod cli;
    pub mod compare;
    pub mod config;
    pub mod custom;
    pub mod data;
    pub mod events;
    pub mod export;
    pub mod fetch;
    pub mod image_file;
    pub mod layering;
    pub mod models;
    pub mod monitor;
    pub mod monte_carlo;
    pub mod mutations;
    pub mod onnx;
    pub mod profile;
    pub mod readers;
    pub mod recipes;
    pub mod reference;
    pub mod registry;
    pub mod report;
    pub mod rng;
    pub mod rng_statistics;
    pub mod schedule;
    pub mod shaders;
    pub mod side_by_side;
    pub mod tables;
    pub mod translate;
    pub mod tree;
    pub mod whitening;
}
