//! Tests that need no GPU: formats, references, layouts, layering, command line.

mod support;

mod host {
    pub mod data;
    pub mod image_file;
    pub mod reference;
    pub mod rng;
}
