//! Loss and accuracy over epochs as SVG.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::train::metrics::EpochMetrics;

/// Training is blue and validation vermilion, from the palette of Okabe and Ito, which colour-blind readers tell apart.
pub(super) const TRAIN: RGBColor = RGBColor(0, 114, 178);
pub(super) const VALIDATION: RGBColor = RGBColor(213, 94, 0);
pub(super) const GRID: RGBColor = RGBColor(221, 221, 221);
pub(super) const INK: RGBColor = RGBColor(34, 34, 34);
/// Size of one panel in pixels.
pub(super) const PANEL: (u32, u32) = (600, 400);
/// Up to so many epochs, each is marked by a dot.
const DOTTED_EPOCHS: usize = 50;
/// Values beyond this are drawn no more than NaN is: the axis would show nothing else.
const LARGEST: f64 = 1e30;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn =
    std::result::Result<(), DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>>;

/// What a panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Mean loss per image.
    Loss,
    /// Accuracy in percent.
    Accuracy,
}

impl Measure {
    /// The panel's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Accuracy => "Accuracy (%)",
        }
    }

    /// (epoch, value) of training and of validation; values that cannot be drawn are `None`.
    pub(super) fn series(self, metrics: &[EpochMetrics]) -> [Vec<(i32, Option<f64>)>; 2] {
        let drawable = |value: Option<f64>| value.filter(|v| v.is_finite() && v.abs() < LARGEST);
        let of = |value: fn(&EpochMetrics) -> Option<f64>| {
            metrics
                .iter()
                .map(|m| (i32::try_from(m.epoch).unwrap_or(i32::MAX - 1), drawable(value(m))))
                .collect()
        };
        match self {
            Self::Loss => [of(|m| Some(m.train_loss)), of(|m| m.val_loss)],
            Self::Accuracy => {
                [of(|m| Some(100.0 * m.train_accuracy)), of(|m| m.val_accuracy.map(|v| 100.0 * v))]
            }
        }
    }

    /// The vertical axis: all values with a twentieth of space around them, within what is possible.
    pub(super) fn range(self, series: &[Vec<(i32, Option<f64>)>]) -> (f64, f64) {
        let values = || series.iter().flatten().filter_map(|(_, value)| *value);
        let (low, high) =
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let (least, most, widest) = match self {
            Self::Loss => (0.0, f64::INFINITY, 1.0),
            Self::Accuracy => (0.0, 100.0, 100.0),
        };
        if low > high {
            return (0.0, widest);
        }
        let space = (0.05 * (high - low)).max(0.01 * high.abs()).max(0.005 * widest);
        ((low - space).max(least), (high + space).min(most))
    }
}

/// `curves.svg`: loss and accuracy side by side, on white.
pub fn curves_svg(metrics: &[EpochMetrics]) -> String {
    let size = (2 * PANEL.0, PANEL.1);
    draw(size, |root| {
        let halves = root.split_evenly((1, 2));
        for (half, measure) in halves.iter().zip([Measure::Loss, Measure::Accuracy]) {
            panel(half, metrics, measure)?;
        }
        Ok(())
    })
}

/// One panel as an SVG element of its own.
pub fn panel_svg(metrics: &[EpochMetrics], measure: Measure) -> String {
    draw(PANEL, |root| panel(root, metrics, measure))
}

/// Runs a drawing on a white page in memory.
pub(super) fn draw(size: (u32, u32), paint: impl FnOnce(&Area) -> Drawn) -> String {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        // Writing to a string cannot fail.
        let _ = root.fill(&WHITE).and_then(|()| paint(&root)).and_then(|()| root.present());
    }
    text
}

fn panel(area: &Area, metrics: &[EpochMetrics], measure: Measure) -> Drawn {
    let series = measure.series(metrics);
    let (low, high) = measure.range(&series);
    let last = series[0].iter().map(|(epoch, _)| *epoch).max().unwrap_or(0).max(2);
    let mut chart = ChartBuilder::on(area)
        .caption(measure.title(), ("sans-serif", 28).into_font().color(&INK))
        .margin(14)
        .margin_right(26)
        .x_label_area_size(58)
        .y_label_area_size(76)
        .build_cartesian_2d(0..last, low..high)?;
    let decimals = if measure == Measure::Accuracy && high - low >= 5.0 { 0 } else { 2 };
    let number = |v: &f64| if v.abs() < 1e4 { format!("{v:.decimals$}") } else { format!("{v:.1e}") };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_desc("Epoch")
        .x_labels(7)
        .y_labels(6)
        .label_style(("sans-serif", 22).into_font().color(&INK))
        .y_label_formatter(&number)
        .draw()?;
    for (points, name, colour, width) in
        [(&series[0], "training", TRAIN, 2), (&series[1], "validation", VALIDATION, 3)]
    {
        let style = colour.stroke_width(width);
        let runs = unbroken(points);
        if runs.is_empty() {
            continue;
        }
        for (index, run) in runs.iter().enumerate() {
            let line = chart.draw_series(LineSeries::new(run.iter().copied(), style))?;
            if index == 0 {
                line.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], style));
            }
            if run.len() == 1 || points.len() <= DOTTED_EPOCHS {
                chart.draw_series(run.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
            }
        }
    }
    let corner = match measure {
        Measure::Loss => SeriesLabelPosition::UpperRight,
        Measure::Accuracy => SeriesLabelPosition::LowerRight,
    };
    chart
        .configure_series_labels()
        .position(corner)
        .margin(10)
        .legend_area_size(34)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font(("sans-serif", 22).into_font().color(&INK))
        .draw()
}

/// Splits a curve where a value is missing.
pub(super) fn unbroken(points: &[(i32, Option<f64>)]) -> Vec<Vec<(i32, f64)>> {
    points
        .split(|(_, value)| value.is_none())
        .map(|run| run.iter().filter_map(|(epoch, value)| value.map(|v| (*epoch, v))).collect::<Vec<_>>())
        .filter(|run| !run.is_empty())
        .collect()
}

/// A number of each epoch that is no measure of learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    /// The learning rate of its last step.
    Rate,
    /// Training images per second.
    Throughput,
}

impl Trace {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Rate => "Learning rate",
            Self::Throughput => "Images per second",
        }
    }

    /// (epoch, value); values that cannot be drawn are `None`.
    pub(super) fn series(self, metrics: &[EpochMetrics]) -> Vec<(i32, Option<f64>)> {
        let epoch = |m: &EpochMetrics| i32::try_from(m.epoch).unwrap_or(i32::MAX - 1);
        metrics.iter().map(|m| (epoch(m), Some(self.of(m)).filter(|v| v.is_finite()))).collect()
    }

    fn of(self, metrics: &EpochMetrics) -> f64 {
        match self {
            Self::Rate => metrics.lr,
            Self::Throughput => metrics.images_per_second,
        }
    }
}

/// One panel of a trace.
pub(super) fn trace_svg(metrics: &[EpochMetrics], trace: Trace) -> String {
    let points = trace.series(metrics);
    let most = points.iter().filter_map(|point| point.1).fold(0.0, f64::max);
    let top = if most > 0.0 { 1.08 * most } else { 1.0 };
    let last = points.iter().map(|point| point.0).max().unwrap_or(0).max(2);
    draw(PANEL, |root| {
        let mut chart = ChartBuilder::on(root)
            .caption(trace.title(), ("sans-serif", 28).into_font().color(&INK))
            .margin(14)
            .margin_right(26)
            .x_label_area_size(58)
            .y_label_area_size(92)
            .build_cartesian_2d(0..last, 0.0..top)?;
        let number = |v: &f64| if top < 0.05 { format!("{v:.1e}") } else { format!("{v:.3}") };
        let whole = |v: &f64| format!("{v:.0}");
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(INK)
            .x_desc("Epoch")
            .x_labels(7)
            .y_labels(6)
            .label_style(("sans-serif", 22).into_font().color(&INK))
            .y_label_formatter(if trace == Trace::Rate { &number } else { &whole })
            .draw()?;
        for run in unbroken(&points) {
            if run.len() == 1 || points.len() <= DOTTED_EPOCHS {
                chart.draw_series(run.iter().map(|point| Circle::new(*point, 4, TRAIN.filled())))?;
            }
            chart.draw_series(LineSeries::new(run, TRAIN.stroke_width(3)))?;
        }
        Ok(())
    })
}
