//! Every kernel against its f64 twin on a device: seeded inputs, poisoned outputs, tolerances derived from WGSL's accuracy
//! table and the length of the sums.

mod case;
mod cases;
mod compare;
mod custom;
mod lab;
mod network;
mod tolerance;
mod twin;

pub use case::{Case, Outcome};
pub use cases::cases;
pub use compare::{Comparison, POISON, compare, compare_words, untouched};
pub use custom::{CurvePoint, CustomReport, Kink, check_custom};
pub use network::{NetworkCase, network_cases};
pub use tolerance::{Approx, ULP, gamma, sum_of_products};
pub use twin::{Given, Twin};
