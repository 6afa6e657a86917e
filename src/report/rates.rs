//! The loss over the learning rate, of a sweep.

use plotters::prelude::*;

use super::curves::{Area, Drawn, GRID, INK, PANEL, TRAIN, VALIDATION, draw};

/// Learning rate, loss and smoothed loss of a step.
pub type RatePoint = [f64; 3];

/// Loss of each step (dots), smoothed (line), over the rate's logarithm, with the suggested rate.
pub fn lr_svg(points: &[RatePoint], suggestion: f64) -> String {
    draw(PANEL, |root| panel(root, points, suggestion))
}

fn panel(area: &Area, points: &[RatePoint], suggestion: f64) -> Drawn {
    let x = |lr: f64| lr.log10();
    let ends = |at: Option<&f64>, other: f64| at.map_or(other, |lr| x(*lr));
    let rates: Vec<f64> = points.iter().map(|point| point[0]).collect();
    let (left, right) = (ends(rates.first(), -5.0), ends(rates.last(), 1.0));
    let smoothed = || points.iter().map(|point| point[2]);
    let (low, high) = smoothed().fold((f64::INFINITY, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
    // Where the loss explodes, the axis keeps to what was there before.
    let top = high.min(2.0 * points.first().map_or(high, |point| point[2])).max(low + 0.1);
    let mut chart = ChartBuilder::on(area)
        .caption("Loss over the learning rate", ("sans-serif", 26).into_font().color(&INK))
        .margin(14)
        .margin_right(26)
        .x_label_area_size(58)
        .y_label_area_size(76)
        .build_cartesian_2d(left.min(right - 0.1)..right, (0.9 * low)..(1.05 * top))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_desc("Learning rate")
        .x_labels(7)
        .y_labels(6)
        .x_label_formatter(&|v| format!("{:.0e}", 10f64.powf(*v)))
        .y_label_formatter(&|v| format!("{v:.2}"))
        .label_style(("sans-serif", 22).into_font().color(&INK))
        .draw()?;
    let inside = |y: f64| y.clamp(0.9 * low, 1.05 * top);
    let dots = points.iter().filter(|point| point[1] <= 1.05 * top && point[1] >= 0.9 * low);
    chart.draw_series(dots.map(|point| Circle::new((x(point[0]), point[1]), 2, TRAIN.mix(0.3).filled())))?;
    let line = points.iter().map(|point| (x(point[0]), inside(point[2])));
    chart.draw_series(LineSeries::new(line, TRAIN.stroke_width(3)))?;
    let at = x(suggestion).max(left);
    let label = format!("suggested: {:.1e}", suggestion);
    chart
        .draw_series(LineSeries::new([(at, 0.9 * low), (at, 1.05 * top)], VALIDATION.stroke_width(2)))?
        .label(label)
        .legend(|(x, y)| PathElement::new([(x, y), (x + 24, y)], VALIDATION.stroke_width(2)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(10)
        .legend_area_size(34)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font(("sans-serif", 22).into_font().color(&INK))
        .draw()
}
