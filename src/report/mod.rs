//! What a run leaves to look at: `curves.svg` and the self-contained `report.html`; plots of activations.

mod curves;
mod functions;
mod html;
mod rates;
mod sections;

use std::path::Path;

use crate::error::{Error, Result};
use crate::train::metrics::{EpochMetrics, Summary};

pub use curves::{Measure, curves_svg, panel_svg};
pub use functions::{FunctionPlot, Sample};
pub use html::{escape, page};
pub use rates::{RatePoint, lr_svg};

/// What the sections of a report are made from.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Every finished epoch, in order; may be empty.
    pub metrics: &'a [EpochMetrics],
    /// The end of the run.
    pub summary: &'a Summary,
    /// The resolved configuration.
    pub config_toml: &'a str,
}

/// Writes `curves.svg` and `report.html` into a run folder.
///
/// # Errors
/// [`Error::Io`] where a file cannot be written.
pub fn write(run_dir: &Path, metrics: &[EpochMetrics], summary: &Summary, config_toml: &str) -> Result<()> {
    let report = Report { metrics, summary, config_toml };
    for (name, text) in [("curves.svg", curves_svg(metrics)), ("report.html", page(&report))] {
        let path = run_dir.join(name);
        std::fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    Ok(())
}
