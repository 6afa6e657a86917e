//! Training: metrics and schedule.

pub mod metrics;
pub mod schedule;
