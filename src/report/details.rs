//! The sections that look into a run's answers: confusion, accuracy of each class, worst mistakes, first filters.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Report;
use super::html::escape;

/// What the best checkpoint answers for the test images.
#[derive(Clone, Debug)]
pub struct Details {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `confusion[label][answer]`: numbers of test images.
    pub confusion: Vec<Vec<u64>>,
    /// Test images of wrong answers, the surest first.
    pub mistakes: Vec<Mistake>,
    /// The filters that see the image.
    pub filters: Option<Filters>,
    /// Name, zeros and weights of each kernel, where any has zeros.
    pub sparsity: Vec<(String, usize, usize)>,
}

/// A test image with a wrong answer.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// Its number among the test images.
    pub image: usize,
    /// Its class.
    pub label: usize,
    /// The answer.
    pub answer: usize,
    /// Probability of the answer.
    pub p: f64,
    /// Probability of its class.
    pub p_label: f64,
    /// The image as a PNG file.
    pub png: Vec<u8>,
}

/// Filters of the first convolution.
#[derive(Clone, Debug)]
pub struct Filters {
    /// Height and width of each.
    pub size: usize,
    /// The weights, (filters, 3, size, size).
    pub values: Vec<f32>,
}

impl Details {
    fn class(&self, number: usize) -> String {
        escape(self.classes.get(number).map_or("?", String::as_str))
    }
}

/// Test images by class and answer, as a table whose cells are shaded by their share of the row.
pub(super) fn confusion(report: &Report) -> String {
    let Some(details) = report.details else { return String::new() };
    let heads: String = (0..details.confusion.len())
        .map(|k| format!("<th scope=\"col\"><span>{}</span></th>", details.class(k)))
        .collect();
    let mut rows = String::new();
    for (label, row) in details.confusion.iter().enumerate() {
        let all: u64 = row.iter().sum();
        let _ = write!(rows, "<tr><th scope=\"row\">{}</th>", details.class(label));
        for (answer, &count) in row.iter().enumerate() {
            let share = count as f64 / all.max(1) as f64;
            let right = if answer == label { " class=\"right\"" } else { "" };
            let text = if count == 0 { String::new() } else { count.to_string() };
            let _ = write!(rows, "<td{right} style=\"--share:{share:.3}\">{text}</td>");
        }
        rows += "</tr>\n";
    }
    format!(
        "<section>\n<h2>Answers to the test images</h2>\n<p>Rows are classes, columns the answers of the best epoch's network.</p>\n\
         <div class=\"wide\">\n<table class=\"confusion\">\n<thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n\
         </div>\n</section>\n"
    )
}

/// Share of right answers of each class, as bars.
pub(super) fn classes(report: &Report) -> String {
    let Some(details) = report.details else { return String::new() };
    let rows: String = details
        .confusion
        .iter()
        .enumerate()
        .map(|(k, row)| {
            let share = row.get(k).copied().unwrap_or(0) as f64 / row.iter().sum::<u64>().max(1) as f64;
            format!(
                "<tr><th scope=\"row\">{}</th><td><div class=\"bar\" style=\"--share:{share:.3}\"></div></td><td>{:.1} %</td></tr>\n",
                details.class(k),
                100.0 * share
            )
        })
        .collect();
    format!(
        "<section>\n<h2>Test accuracy by class</h2>\n<table class=\"bars\">\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n"
    )
}

/// The surest wrong answers with their images.
pub(super) fn mistakes(report: &Report) -> String {
    let Some(details) = report.details.filter(|details| !details.mistakes.is_empty()) else {
        return String::new();
    };
    let items: String = details
        .mistakes
        .iter()
        .map(|m| {
            let (answer, label) = (details.class(m.answer), details.class(m.label));
            format!(
                "<li><img alt=\"test image {}: {label}\" width=\"96\" height=\"96\" src=\"data:image/png;base64,{}\"><b>{answer}</b> {:.0} %\
                 <br>is {label}, {:.1} %</li>\n",
                m.image,
                STANDARD.encode(&m.png),
                100.0 * m.p,
                100.0 * m.p_label
            )
        })
        .collect();
    format!(
        "<section>\n<h2>Worst mistakes</h2>\n<p>Test images with the surest wrong answers.</p>\n<ul class=\"mistakes\">\n{items}</ul>\n\
         </section>\n"
    )
}

/// The first convolution's filters as colours, each over its own range.
pub(super) fn filters(report: &Report) -> String {
    let Some(filters) = report.details.and_then(|details| details.filters.as_ref()) else {
        return String::new();
    };
    let taps = filters.size * filters.size;
    let pictures: String =
        filters.values.chunks_exact(3 * taps).map(|filter| picture(filter, filters.size)).collect();
    format!(
        "<section>\n<h2>First filters</h2>\n<p>Weights of the first convolution as red, green and blue, each filter over its own \
         range.</p>\n<div class=\"filters\">\n{pictures}</div>\n</section>\n"
    )
}

/// Zeros of each kernel, as bars.
pub(super) fn sparsity(report: &Report) -> String {
    let Some(details) = report.details.filter(|details| !details.sparsity.is_empty()) else {
        return String::new();
    };
    let row = |(name, zeros, all): &(String, usize, usize)| {
        let share = *zeros as f64 / (*all).max(1) as f64;
        format!(
            "<tr><th scope=\"row\">{}</th><td><div class=\"bar\" style=\"--share:{share:.3}\"></div></td><td>{:.1} % of {all}</td></tr>\n",
            escape(name),
            100.0 * share
        )
    };
    let rows: String = details.sparsity.iter().map(row).collect();
    let (zeros, all) = details.sparsity.iter().fold((0, 0), |sum, row| (sum.0 + row.1, sum.1 + row.2));
    format!(
        "<section>\n<h2>Pruned weights</h2>\n<p>Zeros among the weights of convolutions and linear layers: {zeros} of {all}.</p>\n\
         <table class=\"bars\">\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n"
    )
}

fn picture(filter: &[f32], size: usize) -> String {
    let low = filter.iter().copied().fold(f32::INFINITY, f32::min);
    let high = filter.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let span = if high > low { high - low } else { 1.0 };
    let byte = |value: f32| (255.0 * (value - low) / span).round() as u8;
    let taps = size * size;
    let mut text = format!(
        "<svg viewBox=\"0 0 {size} {size}\" width=\"64\" height=\"64\" shape-rendering=\"crispEdges\">"
    );
    for tap in 0..taps {
        let [r, g, b] = [0, 1, 2].map(|channel| byte(filter[channel * taps + tap]));
        let (x, y) = (tap % size, tap / size);
        let _ =
            write!(text, "<rect x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\" fill=\"rgb({r},{g},{b})\"/>");
    }
    text + "</svg>\n"
}
