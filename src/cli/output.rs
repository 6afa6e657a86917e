//! What goes where: results on stdout, everything else on stderr; with `--json` only JSON on stdout.

use std::io::Write;

use serde::Serialize;
use wgrad::{Error, Result};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// JSON on stdout.
    pub json: bool,
    /// Results only.
    pub quiet: bool,
}

impl Output {
    /// A remark for people, on stderr.
    pub fn note(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            remark(text);
        }
    }

    /// A result: for people, or as JSON.
    ///
    /// # Errors
    /// stdout is closed.
    pub fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.json { self.line(value) } else { print(&text()) }
    }

    /// Text on stdout as it is, whether JSON is asked for or not.
    ///
    /// # Errors
    /// stdout is closed.
    pub fn text(&self, text: &str) -> Result<()> {
        print(text.trim_end_matches('\n'))
    }

    /// One JSON line, where JSON is asked for.
    ///
    /// # Errors
    /// stdout is closed.
    pub fn line(&self, value: &impl Serialize) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        let json = serde_json::to_string(value).map_err(|e| Error::usage(format!("no JSON form: {e}")))?;
        print(&json)
    }
}

/// A line on stderr. Where nobody reads it any more, the work goes on.
pub(super) fn remark(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A line on stdout; a reader that has gone away is an ordinary end, as `| head` does it.
fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write to", std::path::Path::new("stdout"))(error))
        }
        _ => Ok(()),
    }
}
