//! Tests that need no GPU: formats, references, layouts, layering, command line.

mod support;

mod host {
    pub mod compare;
    pub mod config;
    pub mod data;
    pub mod image_file;
    pub mod reference;
    pub mod report;
    pub mod rng;
    pub mod schedule;
}
