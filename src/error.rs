//! Every error a user can meet: one sentence that names the thing, what was expected and what to do.

use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, in one sentence each.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value given by the user (flag, recipe, SPEC) is not acceptable: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// No adapter, or none that fits.
    #[error("{0}")]
    Device(String),
    /// The driver had no memory left.
    #[error("{device}: no memory for {wanted} after {} MiB: use a smaller batch, eval_batch or model", given.div_ceil(1 << 20))]
    Memory {
        /// The device's name.
        device: String,
        /// What there was no memory for.
        wanted: String,
        /// Bytes of the buffers that it had given.
        given: u64,
    },
    /// A kernel was used with tensors, sizes or limits that do not fit.
    #[error("kernel {kernel}: {reason}")]
    Kernel {
        /// The kernel's name in the registry.
        kernel: String,
        /// What does not fit, with expected and given values.
        reason: String,
    },
    /// A layer got a shape that it cannot take.
    #[error("layer {layer}: expected {expected}, got {got}")]
    Shape {
        /// The layer's name.
        layer: String,
        /// The shape that the layer takes.
        expected: String,
        /// The shape that it was given.
        got: String,
    },
    /// A data file or folder is missing or damaged.
    #[error("data {}: {reason}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A checkpoint is damaged or belongs to something else.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The checkpoint file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The operating system refused a file operation.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: "read", "write", "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A loss is no longer finite, or beyond all bounds.
    #[error("training diverged: {0}")]
    Diverged(String),
    /// The run was stopped by a signal after its checkpoint was written.
    #[error("{0}")]
    Interrupted(String),
}

impl Error {
    /// A value given by the user is not acceptable.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// A kernel was used wrongly.
    pub fn kernel(kernel: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Kernel { kernel: kernel.into(), reason: reason.into() }
    }

    /// A data file or folder is missing or damaged.
    pub fn data(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Data { path: path.into(), reason: reason.into() }
    }

    /// A checkpoint is damaged or belongs to something else.
    pub fn checkpoint(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Checkpoint { path: path.into(), reason: reason.into() }
    }

    /// For `map_err`: wraps an operating system error with what was tried on which path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// The process exit code for this error: 2 for usage, 130 after a signal, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Interrupted(_) => 130,
            _ => 1,
        }
    }
}
