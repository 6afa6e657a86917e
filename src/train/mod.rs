//! Training: a data set and a network on the device, steps, evaluation, checkpoints and the run folder.

mod checkpoint;
mod dataset;
mod divergence;
mod epoch;
mod evaluate;
mod folder;
mod memory;
pub mod metrics;
mod monte_carlo;
mod network;
mod resume;
mod run;
mod saving;
pub mod schedule;
mod step;
mod trainer;

pub use checkpoint::{Checkpoint, Progress, write_whole};
pub use dataset::DeviceImages;
pub use epoch::{Observer, StepReport};
pub use evaluate::{Evaluation, Evaluator, TrainedImages, TrainedNetwork, logits_of};
pub use folder::RunFolder;
pub use memory::{MemoryEstimate, estimate};
pub use metrics::{EpochMetrics, MetricsLog, Summary};
pub use monte_carlo::MonteCarlo;
pub use network::{build_network, normalize, precision, split_kind, step_settings};
pub use run::Run;
pub use schedule::Schedule;
pub use step::{StepOutput, single_step};
pub use trainer::{StepSettings, Trainer};
