//! Where data sets are kept unless a folder is named.

use std::path::PathBuf;

use crate::{Error, Result};

/// The variable that names another folder.
pub const VARIABLE: &str = "WGRAD_DATA";

/// The folder for data sets: that of [`VARIABLE`], else the platform's place for a user's data
/// (`$XDG_DATA_HOME/wgrad` or `~/.local/share/wgrad`, `~/Library/Application Support/wgrad`, `%LOCALAPPDATA%\wgrad`).
///
/// # Errors
/// The system names no such place.
pub fn data_folder() -> Result<PathBuf> {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |name: &str| path(name).filter(|path| path.is_absolute());
    if let Some(folder) = path(VARIABLE) {
        return Ok(folder);
    }
    let base = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
    };
    let none = || {
        Error::usage(format!("there is no folder for data: set {VARIABLE}, or name a folder (--to, --data)"))
    };
    Ok(base.ok_or_else(none)?.join("wgrad"))
}
