//! A contact sheet: images in rows, each with the classes that a network sees in it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::html::escape;

/// An image with its answers.
#[derive(Clone, Debug)]
pub struct Contact {
    /// What stands above it.
    pub title: String,
    /// The image, as the bytes of a PNG file.
    pub png: Vec<u8>,
    /// Classes with probabilities in 0..=1, the likeliest first; three are shown.
    pub answers: Vec<(String, f64)>,
}

/// Images in a row.
const COLUMNS: usize = 6;
/// Width and height of a cell, and side of the image in it, in pixels.
const CELL: [usize; 2] = [170, 240];
const SIDE: usize = 150;

/// The sheet as SVG, with the images inside it.
pub fn contact_sheet(contacts: &[Contact]) -> String {
    let columns = contacts.len().clamp(1, COLUMNS);
    let (width, height) = (columns * CELL[0], contacts.len().div_ceil(columns).max(1) * CELL[1]);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (index, contact) in contacts.iter().enumerate() {
        let (x, y) = (index % columns * CELL[0] + 10, index / columns * CELL[1] + 18);
        // Writing to a text cannot fail.
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\">{}</text>", escape(&shortened(&contact.title)));
        let _ = writeln!(
            svg,
            "<image x=\"{x}\" y=\"{}\" width=\"{SIDE}\" height=\"{SIDE}\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{}\"/>",
            y + 6,
            STANDARD.encode(&contact.png)
        );
        for (line, (class, p)) in contact.answers.iter().take(3).enumerate() {
            let top = y + SIDE + 12 + 18 * line;
            let bar = (SIDE as f64 * p.clamp(0.0, 1.0)).round();
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{top}\" width=\"{bar}\" height=\"15\" fill=\"#c6dbef\"/>\
                 <text x=\"{}\" y=\"{}\">{} {:.1} %</text>",
                x + 3,
                top + 12,
                escape(class),
                100.0 * p
            );
        }
    }
    svg + "</svg>\n"
}

/// The end of a long name.
fn shortened(title: &str) -> String {
    let length = title.chars().count();
    if length <= 24 {
        title.to_owned()
    } else {
        format!("…{}", title.chars().skip(length - 23).collect::<String>())
    }
}
