//! Tests that need an adapter; a software one is enough.

mod device {
    pub mod golden;
}
