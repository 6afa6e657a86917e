//! What a run leaves to look at: `curves.svg` and the self-contained `report.html`; plots of activations and
//! profiles; a run's picture on a terminal.

mod compare;
mod contact;
mod curves;
mod details;
mod functions;
mod html;
mod monitor;
mod rates;
mod roofline;
mod sections;

use std::path::Path;

use crate::error::{Error, Result};
use crate::train::metrics::{EpochMetrics, Summary};

pub use compare::{CompareRow, Compared, ComparedRun, Spread, compare_markdown, compare_svg};
pub use contact::{Contact, contact_sheet};
pub use curves::{Measure, curves_svg, panel_svg};
pub use details::{Details, Filters, Mistake};
pub use functions::{FunctionPlot, Sample};
pub use html::{escape, page};
pub use monitor::{Board, Follower, text};
pub use rates::{RatePoint, lr_svg};
pub use roofline::{Roofline, RooflinePoint};

/// What the sections of a report are made from.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Every finished epoch, in order; may be empty.
    pub metrics: &'a [EpochMetrics],
    /// The end of the run.
    pub summary: &'a Summary,
    /// The resolved configuration.
    pub config_toml: &'a str,
    /// What the network answers for the test images, where it is known.
    pub details: Option<&'a Details>,
}

/// Writes `curves.svg` and `report.html` into a run folder.
///
/// # Errors
/// [`Error::Io`] where a file cannot be written.
pub fn write(run_dir: &Path, metrics: &[EpochMetrics], summary: &Summary, config_toml: &str) -> Result<()> {
    write_page(run_dir, &Report { metrics, summary, config_toml, details: None })
}

/// As [`write()`], with the sections that look into the network's answers.
///
/// # Errors
/// [`Error::Io`] where a file cannot be written.
pub fn write_detailed(
    run_dir: &Path,
    metrics: &[EpochMetrics],
    summary: &Summary,
    config_toml: &str,
    details: &Details,
) -> Result<()> {
    write_page(run_dir, &Report { metrics, summary, config_toml, details: Some(details) })
}

fn write_page(run_dir: &Path, report: &Report) -> Result<()> {
    for (name, text) in [("curves.svg", curves_svg(report.metrics)), ("report.html", page(report))] {
        let path = run_dir.join(name);
        std::fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    Ok(())
}
