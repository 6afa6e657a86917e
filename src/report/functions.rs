//! Value, derivative and spread of an activation as SVG.

use plotters::prelude::*;

use super::curves::{Area, Drawn, GRID, INK, PANEL, TRAIN, VALIDATION, draw};

/// An activation at one x.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The input.
    pub x: f64,
    /// y in evaluation.
    pub value: f64,
    /// dy/dx in evaluation.
    pub derivative: f64,
    /// Mean and standard deviation of y in training, over the noise.
    pub spread: Option<(f64, f64)>,
    /// The same of dy/dx.
    pub derivative_spread: Option<(f64, f64)>,
}

/// An activation at ascending x.
#[derive(Clone, Debug)]
pub struct FunctionPlot {
    /// The SPEC.
    pub title: String,
    /// Its points; those that are no numbers are left out.
    pub samples: Vec<Sample>,
}

/// Points of a line, with the deviation on both sides.
type Line = Vec<(f64, f64, f64)>;

impl FunctionPlot {
    /// Two panels: value and derivative; lines are evaluation, bands one standard deviation of training about its mean.
    pub fn svg(&self) -> String {
        let line = |value: fn(&Sample) -> f64| -> Line { self.line(|s| Some((value(s), 0.0))) };
        let value = (line(|s| s.value), self.line(|s| s.spread));
        let derivative = (line(|s| s.derivative), self.line(|s| s.derivative_spread));
        draw((2 * PANEL.0, PANEL.1), |root| {
            let halves = root.split_evenly((1, 2));
            panel(&halves[0], &self.title, &value, TRAIN)?;
            panel(&halves[1], "derivative", &derivative, VALIDATION)
        })
    }

    fn line(&self, of: impl Fn(&Sample) -> Option<(f64, f64)>) -> Line {
        let points = self.samples.iter().filter_map(|sample| of(sample).map(|(y, d)| (sample.x, y, d)));
        points.filter(|(_, y, d)| y.abs() < 1e30 && *d < 1e30).collect()
    }
}

fn panel(area: &Area, title: &str, (line, band): &(Line, Line), colour: RGBColor) -> Drawn {
    let all = || line.iter().chain(band);
    let low = all().map(|(_, y, d)| y - d).fold(0.0, f64::min);
    let high = all().map(|(_, y, d)| y + d).fold(0.0, f64::max);
    let space = ((high - low) / 20.0).max(1e-3);
    let first = line.first().map_or(-1.0, |point| point.0);
    let last = line.last().map_or(1.0, |point| point.0);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 22).into_font().color(&INK))
        .margin(14)
        .x_label_area_size(34)
        .y_label_area_size(60)
        .build_cartesian_2d(first..last, low - space..high + space)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_labels(9)
        .y_labels(7)
        .label_style(("sans-serif", 18).into_font().color(&INK))
        .draw()?;
    if !band.is_empty() {
        let upper = band.iter().map(|(x, y, d)| (*x, y + d));
        let lower = band.iter().rev().map(|(x, y, d)| (*x, y - d));
        let outline: Vec<_> = upper.chain(lower).collect();
        chart.draw_series([Polygon::new(outline, colour.mix(0.2))])?;
    }
    // A kink or jump is drawn as steep as the points lie.
    let points = line.iter().map(|(x, y, _)| (*x, *y));
    chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    Ok(())
}
