//! The sections of the report, top to bottom: each turns the run into a piece of HTML.

use super::curves::{Trace, trace_svg};
use super::details::{classes, confusion, filters, mistakes, sparsity};
use super::html::escape;
use super::{Measure, Report, panel_svg};

/// A section's function; an empty string leaves it out.
pub(super) type Section = fn(&Report) -> String;

/// The order of the page.
pub(super) const SECTIONS: &[Section] =
    &[headline, curves, confusion, classes, mistakes, filters, sparsity, summary, epochs, config];

/// A share as a percentage, or a dash where there is none.
fn percent(share: Option<f64>) -> String {
    share.filter(|v| v.is_finite()).map_or("-".into(), |v| format!("{:.2} %", 100.0 * v))
}

fn loss(value: Option<f64>) -> String {
    value.map_or("-".into(), |v| format!("{v:.4}"))
}

/// Seconds as 1:02:03 or 2:03, below a minute as they are.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02} min"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02} h"),
    }
}

/// The figures that a reader looks for first.
fn headline(report: &Report) -> String {
    let s = report.summary;
    let cards = [
        (percent(Some(s.test_accuracy)), "test accuracy"),
        (percent(s.best_val_accuracy), "best validation accuracy"),
        (s.epochs.to_string(), "epochs"),
        (duration(s.seconds), "training time"),
    ];
    let cards: String =
        cards.iter().map(|(figure, name)| format!("<li><b>{}</b> {name}</li>\n", escape(figure))).collect();
    format!("<ul class=\"cards\">\n{cards}</ul>\n")
}

fn curves(report: &Report) -> String {
    let traces = [Trace::Rate, Trace::Throughput].map(|trace| {
        let label = format!("{} over epochs", trace.title());
        let svg = trace_svg(report.metrics, trace);
        format!("<figure role=\"img\" aria-label=\"{}\">\n{svg}\n</figure>\n", escape(&label))
    });
    let figures: String = [Measure::Loss, Measure::Accuracy]
        .into_iter()
        .map(|measure| {
            let label = format!("{} over epochs, training and validation", measure.title());
            let svg = panel_svg(report.metrics, measure);
            format!("<figure role=\"img\" aria-label=\"{}\">\n{svg}\n</figure>\n", escape(&label))
        })
        .collect();
    let traces = traces.concat();
    format!("<section>\n<h2>Curves</h2>\n<div class=\"curves\">\n{figures}{traces}</div>\n</section>\n")
}

fn summary(report: &Report) -> String {
    let s = report.summary;
    let speed = report.metrics.last().map_or("-".into(), |m| format!("{:.1} images/s", m.images_per_second));
    let rows = [
        ("Model", s.model.clone()),
        ("Activation", s.activation.clone()),
        ("Parameters", s.parameters.to_string()),
        ("Device", s.device.clone()),
        ("Seed", s.seed.to_string()),
        ("Epochs", s.epochs.to_string()),
        ("Best epoch", s.best_epoch.to_string()),
        ("Best validation accuracy", percent(s.best_val_accuracy)),
        ("Test accuracy", percent(Some(s.test_accuracy))),
        ("Test loss", loss(Some(s.test_loss))),
        ("Time", duration(s.seconds)),
        ("Speed in the last epoch", speed),
    ];
    let rows: String = rows
        .iter()
        .map(|(name, value)| format!("<tr><th scope=\"row\">{name}</th><td>{}</td></tr>\n", escape(value)))
        .collect();
    format!("<section>\n<h2>Summary</h2>\n<table>\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n")
}

fn epochs(report: &Report) -> String {
    if report.metrics.is_empty() {
        return String::new();
    }
    let rows: String = report
        .metrics
        .iter()
        .map(|m| {
            let class = if m.epoch == report.summary.best_epoch { " class=\"best\"" } else { "" };
            format!(
                "<tr{class}><td>{}</td><td>{:.5}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.1}</td></tr>\n",
                m.epoch,
                m.lr,
                loss(Some(m.train_loss)),
                percent(Some(m.train_accuracy)),
                loss(m.val_loss),
                percent(m.val_accuracy),
                m.seconds
            )
        })
        .collect();
    format!(
        "<section>\n<h2>Epochs</h2>\n<details>\n<summary>All {} epochs</summary>\n<div class=\"wide\">\n<table>\n\
         <thead><tr><th>Epoch</th><th>Learning rate</th><th>Training loss</th><th>Training accuracy</th>\
         <th>Validation loss</th><th>Validation accuracy</th><th>Seconds</th></tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table>\n</div>\n</details>\n</section>\n",
        report.metrics.len()
    )
}

fn config(report: &Report) -> String {
    format!("<section>\n<h2>Configuration</h2>\n<pre>{}</pre>\n</section>\n", escape(report.config_toml))
}
