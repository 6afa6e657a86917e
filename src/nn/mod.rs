//! Networks: a description made of layers, its parameters on the device, and the plans that it writes.

mod builder;
mod estimate;
mod filters;
mod init;
pub mod models;
mod network;
mod parameter;
mod record;
mod weights;
mod workspace;

pub use builder::Builder;
pub use estimate::NetworkBytes;
pub use init::{Init, initial};
pub use network::{
    ALIGN, BatchNormSite, DropConnectSite, Dropout, Layer, Network, Node, ShortcutSite, Value,
};
pub use parameter::{Parameter, Role, Trained};
pub use record::{Mode, Pass};
pub use weights::Weights;
pub use workspace::Workspace;
