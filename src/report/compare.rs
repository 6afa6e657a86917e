//! Several runs side by side: a table with the spread over seeds beside what was published, and their curves.

use plotters::prelude::*;
use serde::Serialize;

use super::curves::{Area, Drawn, GRID, INK, Measure, PANEL, draw, unbroken};
use crate::config::{Published, Which};
use crate::train::metrics::{EpochMetrics, Summary};

/// The curves of the first seed's runs.
const HISTORIES: &str = include_str!("../../assets/published/seed000_histories.csv");

/// Okabe and Ito's colours, which colour-blind readers tell apart.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// A finished run of a recipe.
#[derive(Clone, Debug)]
pub struct ComparedRun {
    /// Its end.
    pub summary: Summary,
    /// Its epochs.
    pub metrics: Vec<EpochMetrics>,
    /// Validation and test accuracy of the Monte Carlo passes that the recipe asks for.
    pub monte_carlo: Option<(Option<f64>, f64)>,
}

/// A recipe with its runs, one for each seed.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The recipe's name.
    pub name: String,
    /// Its runs; at least one.
    pub runs: Vec<ComparedRun>,
    /// What was published for it.
    pub published: Option<Published>,
}

/// Mean and sample standard deviation of a few numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// Sample standard deviation (n - 1); none of a single number.
    pub deviation: Option<f64>,
    /// How many.
    pub count: usize,
}

impl Spread {
    /// Of these numbers; none of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count.max(2) - 1) as f64;
        Some(Self { mean, deviation: (count > 1).then(|| square.sqrt()), count })
    }

    /// In percent: `92.31 ± 0.12 (3)`.
    fn percent(&self) -> String {
        match self.deviation {
            Some(deviation) => {
                format!("{:.2} ± {:.2} ({})", 100.0 * self.mean, 100.0 * deviation, self.count)
            }
            None => format!("{:.2}", 100.0 * self.mean),
        }
    }
}

/// A recipe's row. Accuracies are shares, 0..1; published ones are percents.
#[derive(Clone, Debug, Serialize)]
pub struct CompareRow {
    /// The recipe's name.
    pub recipe: String,
    /// Its network.
    pub model: String,
    /// Its activation.
    pub activation: String,
    /// Trained parameters.
    pub parameters: u64,
    /// The seeds of its runs.
    pub seeds: Vec<u32>,
    /// Validation accuracy of the best epochs.
    pub best_validation: Option<Spread>,
    /// Validation accuracy of the last epochs.
    pub last_validation: Option<Spread>,
    /// Test accuracy of the best epochs.
    pub best_test: Option<Spread>,
    /// Test accuracy of the last epochs.
    pub last_test: Option<Spread>,
    /// Validation accuracy by Monte Carlo passes.
    pub monte_carlo_validation: Option<Spread>,
    /// Test accuracy by Monte Carlo passes.
    pub monte_carlo_test: Option<Spread>,
    /// Epochs that were run.
    pub epochs: Option<Spread>,
    /// Seconds of training.
    pub seconds: Option<Spread>,
    /// What was published.
    pub published: Option<Published>,
}

impl CompareRow {
    /// The row of a recipe's runs.
    pub fn of(compared: &Compared) -> Self {
        let runs = &compared.runs;
        let spread = |of: &dyn Fn(&ComparedRun) -> Option<f64>| {
            Spread::of(&runs.iter().filter_map(of).collect::<Vec<_>>())
        };
        let first = runs.first().map(|run| &run.summary);
        Self {
            recipe: compared.name.clone(),
            model: first.map(|s| s.model.clone()).unwrap_or_default(),
            activation: first.map(|s| s.activation.clone()).unwrap_or_default(),
            parameters: first.map_or(0, |s| s.parameters),
            seeds: runs.iter().map(|run| run.summary.seed).collect(),
            best_validation: spread(&|run| run.summary.best_val_accuracy),
            last_validation: spread(&|run| run.summary.last_val_accuracy),
            best_test: spread(&|run| Some(run.summary.test_accuracy)),
            last_test: spread(&|run| run.summary.last_test_accuracy),
            monte_carlo_validation: spread(&|run| run.monte_carlo.and_then(|mc| mc.0)),
            monte_carlo_test: spread(&|run| run.monte_carlo.map(|mc| mc.1)),
            epochs: spread(&|run| Some(f64::from(run.summary.epochs))),
            seconds: spread(&|run| Some(run.summary.seconds)),
            published: compared.published.clone(),
        }
    }
}

/// The table as Markdown. A cell with two numbers holds the one of the plain pass and that of the Monte Carlo passes.
pub fn compare_markdown(rows: &[CompareRow]) -> String {
    let mut text = String::from(
        "| recipe | best validation % | last validation % | test of the best % | test of the last % | published % | epochs | time |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let cell = |spread: &Option<Spread>, passes: &Option<Spread>| {
            let plain = spread.map_or("-".into(), |s| s.percent());
            passes.map_or(plain.clone(), |s| format!("{plain}; passes {}", s.percent()))
        };
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            row.recipe,
            cell(&row.best_validation, &row.monte_carlo_validation),
            cell(&row.last_validation, &None),
            cell(&row.best_test, &row.monte_carlo_test),
            cell(&row.last_test, &None),
            row.published.as_ref().map_or("-".into(), published_cell),
            row.epochs.map_or("-".into(), |epochs| format!("{:.0}", epochs.mean)),
            row.seconds.map_or("-".into(), |s| super::sections::duration(s.mean)),
        );
    }
    text
}

fn published_cell(published: &Published) -> String {
    let which = match published.which {
        Which::Best => "best",
        Which::Last => "last",
    };
    let number = |name: &str, value: Option<f64>| value.map(|v| format!("{name} {v:.2}"));
    let numbers: Vec<String> = [number("validation", published.validation), number("test", published.test)]
        .into_iter()
        .flatten()
        .collect();
    let mut parts =
        if numbers.is_empty() { Vec::new() } else { vec![format!("{} ({which})", numbers.join(", "))] };
    if !published.note.is_empty() {
        parts.push(published.note.clone());
    }
    parts.push(published.source.clone());
    parts.join("; ")
}

/// A line of the plot.
struct Curve {
    name: String,
    points: Vec<(i32, Option<f64>)>,
    colour: RGBAColor,
    width: u32,
}

/// Validation curves (training ones where a run has no validation) of every run, a colour for each recipe; published curves
/// of the same kind lie behind them, pale and wide.
pub fn compare_svg(all: &[Compared], measure: Measure) -> String {
    let mut curves = Vec::new();
    for (compared, colour) in all.iter().zip(COLOURS.iter().cycle()) {
        let history = compared.published.as_ref().and_then(|published| published.history.as_deref());
        let epochs = compared.runs.iter().map(|run| run.summary.epochs).max().unwrap_or(0);
        if let Some(name) = history {
            let points =
                history_of(name, measure).into_iter().filter(|point| point.0 <= epochs.max(10) as i32);
            let name = format!("{name}, published");
            curves.push(Curve { name, points: points.collect(), colour: colour.mix(0.3), width: 5 });
        }
        for run in &compared.runs {
            let [training, validation] = measure.series(&run.metrics);
            let has = validation.iter().any(|point| point.1.is_some());
            let points = if has { validation } else { training };
            let name = format!("{}, seed {}", compared.name, run.summary.seed);
            curves.push(Curve { name, points, colour: colour.mix(1.0), width: 2 });
        }
    }
    let height = PANEL.1 + 100 + 22 * curves.len() as u32;
    draw((2 * PANEL.0, height), |root| {
        let (plot, legend) = root.split_vertically(PANEL.1 + 100);
        panel(&plot, measure, &curves)?;
        names(&legend, &curves)
    })
}

/// (epoch, value) of a published run's validation.
fn history_of(run: &str, measure: Measure) -> Vec<(i32, Option<f64>)> {
    let column = match measure {
        Measure::Loss => 4,
        Measure::Accuracy => 5,
    };
    let scale = if measure == Measure::Accuracy { 100.0 } else { 1.0 };
    let rows = HISTORIES.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    rows.filter(|row| row.first() == Some(&run))
        .filter_map(|row| {
            let value = row.get(column)?.parse::<f64>().ok()?;
            Some((row.get(1)?.parse().ok()?, Some(scale * value)))
        })
        .collect()
}

fn panel(area: &Area, measure: Measure, curves: &[Curve]) -> Drawn {
    let series: Vec<_> = curves.iter().map(|curve| curve.points.clone()).collect();
    let (low, high) = measure.range(&series);
    let last = series.iter().flatten().map(|point| point.0).max().unwrap_or(0).max(2);
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{} in validation", measure.title()), ("sans-serif", 28).into_font().color(&INK))
        .margin(14)
        .margin_right(26)
        .x_label_area_size(58)
        .y_label_area_size(76)
        .build_cartesian_2d(0..last, low..high)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_desc("Epoch")
        .x_labels(9)
        .y_labels(8)
        .label_style(("sans-serif", 22).into_font().color(&INK))
        .y_label_formatter(&|v| format!("{v:.2}"))
        .draw()?;
    for curve in curves {
        for run in unbroken(&curve.points) {
            let style = curve.colour.stroke_width(curve.width);
            if let [point] = run.as_slice() {
                chart.draw_series([Circle::new(*point, 4, curve.colour.filled())])?;
            }
            chart.draw_series(LineSeries::new(run, style))?;
        }
    }
    Ok(())
}

fn names(area: &Area, curves: &[Curve]) -> Drawn {
    let font = ("sans-serif", 18).into_font().color(&INK);
    for (row, curve) in curves.iter().enumerate() {
        let y = 22 * row as i32 + 8;
        area.draw(&PathElement::new([(90, y), (130, y)], curve.colour.stroke_width(curve.width)))?;
        area.draw(&Text::new(curve.name.clone(), (142, y - 9), font.clone()))?;
    }
    Ok(())
}
