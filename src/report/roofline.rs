//! Kernels against the device's ceilings (Williams, Waterman, Patterson 2009) as SVG.

use plotters::prelude::*;

use super::curves::{Area, Drawn, GRID, INK, TRAIN, VALIDATION, draw};

/// A kernel in the plot.
#[derive(Clone, Debug)]
pub struct RooflinePoint {
    /// Its name.
    pub name: String,
    /// Floating-point operations a byte.
    pub intensity: f64,
    /// 10⁹ floating-point operations per second.
    pub gflop_per_s: f64,
    /// Share of the step's time, in 0..1.
    pub share: f64,
}

/// Kernels under the lines of memory and arithmetic.
#[derive(Clone, Debug)]
pub struct Roofline {
    /// What was measured.
    pub title: String,
    /// The memory's ceiling, 10⁹ bytes per second.
    pub gb_per_s: f64,
    /// The same where caches hold everything.
    pub cached_gb_per_s: f64,
    /// The arithmetic's ceiling, 10⁹ operations per second.
    pub gflop_per_s: f64,
    /// The kernels; those whose figures are not above 0 are left out.
    pub points: Vec<RooflinePoint>,
}

const SIZE: (u32, u32) = (1100, 560);
/// Width of the list beside the plot.
const LIST: u32 = 400;

impl Roofline {
    /// Both axes logarithmic; a number at each point stands in the list beside it, the longest kernel first.
    pub fn svg(&self) -> String {
        let mut points: Vec<&RooflinePoint> =
            self.points.iter().filter(|p| p.intensity > 0.0 && p.gflop_per_s > 0.0).collect();
        points.sort_by(|a, b| b.share.total_cmp(&a.share));
        draw(SIZE, |root| {
            let (left, right) = root.split_horizontally(SIZE.0 - LIST);
            self.plot(&left, &points)?;
            list(&right, &points)
        })
    }

    /// The ceiling at an intensity.
    fn roof(&self, gb_per_s: f64, intensity: f64) -> f64 {
        (gb_per_s * intensity).min(self.gflop_per_s)
    }

    /// Powers of ten around the values.
    fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let (low, high) = values
            .filter(|v| *v > 0.0 && v.is_finite())
            .fold((1.0, 1.0), |(low, high), v| (f64::min(low, v), f64::max(high, v)));
        (10f64.powf(low.log10().floor()), 10f64.powf((high * 1.2).log10().ceil()))
    }

    fn plot(&self, area: &Area, points: &[&RooflinePoint]) -> Drawn {
        let ridge = self.gflop_per_s / self.gb_per_s;
        let (first, last) = Self::decades(points.iter().map(|p| p.intensity).chain([ridge]));
        let speeds =
            points.iter().map(|p| p.gflop_per_s).chain([self.roof(self.gb_per_s, first), self.gflop_per_s]);
        let (low, high) = Self::decades(speeds);
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 20).into_font().color(&INK))
            .margin(14)
            .x_label_area_size(52)
            .y_label_area_size(72)
            .build_cartesian_2d((first..last).log_scale(), (low..high).log_scale())?;
        let number = |v: &f64| if *v < 1.0 { format!("{v}") } else { format!("{v:.0}") };
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(INK)
            .x_desc("operations a byte")
            .y_desc("GFLOP/s")
            .x_label_formatter(&number)
            .y_label_formatter(&number)
            .label_style(("sans-serif", 18).into_font().color(&INK))
            .draw()?;
        for (rate, width) in [(self.cached_gb_per_s, 1), (self.gb_per_s, 3)] {
            let ridge = (self.gflop_per_s / rate).clamp(first, last);
            let roof = [first, ridge, last].map(|x| (x, self.roof(rate, x).max(low)));
            chart.draw_series(LineSeries::new(roof, VALIDATION.stroke_width(width)))?;
        }
        let label = format!(
            "{:.1} GB/s ({:.1} from caches), {:.0} GFLOP/s",
            self.gb_per_s, self.cached_gb_per_s, self.gflop_per_s
        );
        let font = ("sans-serif", 16).into_font().color(&INK);
        chart.draw_series([Text::new(label, (first * 1.3, self.gflop_per_s * 1.5), font.clone())])?;
        for (index, point) in points.iter().enumerate() {
            let at = (point.intensity, point.gflop_per_s);
            // The area is the share of the time.
            let radius = (3.0 + 22.0 * point.share.max(0.0).sqrt()) as i32;
            chart.draw_series([Circle::new(at, radius, TRAIN.mix(0.55).filled())])?;
            chart.draw_series([Text::new((index + 1).to_string(), at, font.clone())])?;
        }
        Ok(())
    }
}

fn list(area: &Area, points: &[&RooflinePoint]) -> Drawn {
    let font = ("sans-serif", 16).into_font().color(&INK);
    for (index, point) in points.iter().enumerate() {
        let line = format!("{} {}, {:.1} %", index + 1, point.name, 100.0 * point.share);
        area.draw(&Text::new(line, (10, 40 + 21 * index as i32), font.clone()))?;
    }
    Ok(())
}
