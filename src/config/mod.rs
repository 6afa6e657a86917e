//! Every hyper-parameter of a run: its unit, default and range, and how recipes, files and flags make one [`RunConfig`].
//!
//! Later layers win: recipe, then the TOML file that builds on it, then `--set key=value` in order, then flags.

mod choices;
mod differences;
mod layers;
mod model;
mod recipes;
mod run;
mod schema;
mod sections;
mod suggest;
mod validate;

pub use choices::{
    DecayOn, LastBatch, Normalization, OnNan, OptimizerKind, Precision, ScheduleKind, Shortcut, Split,
};
pub use differences::{Difference, Effect};
pub use layers::put;
pub use model::{DropAt, DropConnectOn, DropConnectSamples, RegularizeConfig, ResidualKind, WeightsConfig};
pub use recipes::{RECIPES, Recipe};
pub use run::RunConfig;
pub use schema::{keys, optional_keys};
pub use sections::{
    AugmentConfig, BatchNormConfig, CheckpointConfig, DataConfig, LossConfig, OptimizerConfig, ScheduleConfig,
};
pub use suggest::{closest, did_you_mean};
