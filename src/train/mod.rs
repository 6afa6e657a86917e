//! Training: a data set and a network on the device, steps, evaluation, checkpoints and the run folder.

mod checkpoint;
mod dataset;
mod epoch;
mod evaluate;
mod folder;
mod lr_find;
pub mod metrics;
mod mixup;
mod monte_carlo;
mod network;
mod normalize;
mod optimizer;
mod run;
pub mod schedule;
mod step;
mod trainer;
mod watch;

pub use checkpoint::{Checkpoint, Progress};
pub use dataset::DeviceImages;
pub use epoch::{Observer, StepReport};
pub use evaluate::{Evaluation, Evaluator, TrainedImages, TrainedNetwork, logits_of};
pub use folder::RunFolder;
pub use lr_find::{LrFound, Sweep, SweepPoint, lr_find};
pub use metrics::{EpochMetrics, MetricsLog, Summary};
pub use mixup::mixup_share;
pub use monte_carlo::MonteCarlo;
pub use network::{build_network, optimizer_settings, precision, split_kind, step_settings};
pub use normalize::{augment, normalize};
pub use optimizer::{Optimizer, OptimizerSettings};
pub use run::Run;
pub use schedule::Schedule;
pub use step::{StepOutput, single_step};
pub use trainer::{StepSettings, Trainer};
pub use watch::{Plateau, Watch};
