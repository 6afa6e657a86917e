//! Every hyper-parameter of a run: its unit, default and range, and how recipes, files and flags make one [`RunConfig`].
//!
//! Later layers win: recipe, then the TOML file that builds on it, then `--set key=value` in order, then flags.

mod augment;
mod choices;
mod differences;
mod merge;
mod model;
mod optimizer;
mod prune;
mod recipes;
mod run;
mod schedule;
mod schema;
mod sections;
mod suggest;
mod validate;

pub use augment::AugmentConfig;
pub use choices::{
    DecayOn, Fill, L2, LastBatch, Monitor, Normalization, OnNan, OptimizerKind, Precision, Recompute,
    Residence, ScheduleKind, Shift, Shortcut, Split, Tta,
};
pub use differences::{Difference, Effect};
pub use merge::put;
pub use model::{DropAt, DropConnectOn, DropConnectSamples, RegularizeConfig, ResidualKind, WeightsConfig};
pub use optimizer::OptimizerConfig;
pub use prune::{PruneConfig, PruneScope};
pub use recipes::{Published, RECIPES, Recipe, Which, published};
pub use run::RunConfig;
pub use schedule::{EarlyStoppingConfig, ScheduleConfig};
pub use schema::{keys, optional_keys};
pub use sections::{BatchNormConfig, CheckpointConfig, DataConfig, EvaluateConfig, LossConfig};
pub use suggest::{closest, did_you_mean};
