//! The tolerances' arithmetic stands with the twins: [`crate::reference::tolerance`].

pub use crate::reference::tolerance::*;
