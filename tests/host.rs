//! Tests that need no GPU: formats, references, layouts, layering, command line.

mod support;

mod host {
    pub mod config;
    pub mod report;
    pub mod schedule;
}
