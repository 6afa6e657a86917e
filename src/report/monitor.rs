//! A run as it goes, for a terminal: what its folder says so far, and the picture of it.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, LegendPosition, Paragraph};

use super::curves::{Measure, Trace, unbroken};
use crate::config::RunConfig;
use crate::error::{Error, Result};
use crate::train::metrics::{EpochMetrics, Summary};

/// What is said of a run that nobody trains, though it has not ended.
const STOPPED: &str = "stopped: wgrad train --resume goes on with it";
/// Epochs whose mean time tells what is left.
const RECENT: usize = 5;

/// What is known of a run.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// The run's name.
    pub name: String,
    /// Model and activation, where they are known.
    pub what: Option<(String, String)>,
    /// Epochs that it will have, where that is known.
    pub epochs: Option<u32>,
    /// Its finished epochs.
    pub metrics: Vec<EpochMetrics>,
    /// Its end, once it has come.
    pub summary: Option<Summary>,
    /// Whether a process trains it now, where that is known.
    pub training: Option<bool>,
    /// Lines of `metrics.jsonl` that are no epoch's metrics.
    pub unread: usize,
}

/// Reads a run's folder again and again: of `metrics.jsonl` only what was added.
#[derive(Debug)]
pub struct Follower {
    folder: PathBuf,
    /// Bytes of the whole lines that were read.
    read: u64,
    /// What there is so far.
    pub board: Board,
}

impl Follower {
    /// Follows the run in `folder`, which may not have begun yet.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn new(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(Error::usage(format!(
                "{folder} is no folder: expected a run's, such as runs/quickstart-1"
            )));
        }
        let name = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let name = name.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut follower =
            Self { folder: folder.to_path_buf(), read: 0, board: Board { name, ..Board::default() } };
        follower.look();
        Ok(follower)
    }

    /// Takes in what is new. What is not there yet, or half written, is left for the next look.
    pub fn look(&mut self) {
        if self.board.what.is_none()
            && let Ok(config) = RunConfig::from_file(&self.folder.join("config.toml"))
        {
            self.board.epochs = Some(config.epochs);
            self.board.what = Some((config.model, config.activation));
        }
        // A log that cannot be read now may be there at the next look.
        let _ = self.look_at_metrics();
        self.board.summary = Summary::read(&self.folder.join("summary.json")).ok();
    }

    fn look_at_metrics(&mut self) -> std::io::Result<()> {
        let mut file = std::fs::File::open(self.folder.join("metrics.jsonl"))?;
        if file.metadata()?.len() < self.read {
            // Cut off: the run went back to a checkpoint.
            (self.read, self.board.unread) = (0, 0);
            self.board.metrics.clear();
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut added = Vec::new();
        file.read_to_end(&mut added)?;
        let whole = added.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.read += whole as u64;
        for line in added[..whole].split_inclusive(|byte| *byte == b'\n') {
            match serde_json::from_slice::<EpochMetrics>(line) {
                Ok(metrics) => {
                    // An epoch that was repeated takes the place of its first try.
                    self.board.metrics.retain(|earlier| earlier.epoch < metrics.epoch);
                    self.board.metrics.push(metrics);
                }
                Err(_) => self.board.unread += 1,
            }
        }
        Ok(())
    }
}

impl Board {
    /// Draws all of it.
    pub fn draw(&self, frame: &mut Frame) {
        let [head, upper, lower, foot] = Layout::vertical([
            Constraint::Length(5),
            Constraint::Fill(1),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        let title = Line::from(format!(" {} ", self.name)).bold();
        let lines: Vec<Line> = self.head().into_iter().map(Line::from).collect();
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), head);
        let halves = |area| Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        let ([first, second], [third, fourth]): ([Rect; 2], [Rect; 2]) = (halves(upper), halves(lower));
        for (area, measure) in [(first, Measure::Loss), (second, Measure::Accuracy)] {
            let series = measure.series(&self.metrics);
            let range = measure.range(&series);
            let [training, validation] = series;
            let both = [("training", Color::Cyan, training), ("validation", Color::LightRed, validation)];
            let corner = match measure {
                Measure::Loss => LegendPosition::TopRight,
                Measure::Accuracy => LegendPosition::BottomRight,
            };
            self.panel(frame, area, (measure.title(), corner), range, &both);
        }
        for (area, trace) in [(third, Trace::Rate), (fourth, Trace::Throughput)] {
            let points = trace.series(&self.metrics);
            let most = points.iter().filter_map(|point| point.1).fold(0.0, f64::max);
            let range = (0.0, if most > 0.0 { 1.08 * most } else { 1.0 });
            let title = (trace.title(), LegendPosition::TopRight);
            self.panel(frame, area, title, range, &[("", Color::Cyan, points)]);
        }
        frame.render_widget(Line::from(" q, Esc or Ctrl-C leaves; the run goes on").dim(), foot);
    }

    fn panel(
        &self,
        frame: &mut Frame,
        area: Rect,
        (title, corner): (&str, LegendPosition),
        (low, high): (f64, f64),
        curves: &[Curve<(i32, Option<f64>)>],
    ) {
        let last = f64::from(self.metrics.last().map_or(0, |m| m.epoch).max(2));
        let runs: Vec<Curve<(f64, f64)>> = curves
            .iter()
            .flat_map(|(name, colour, points)| {
                unbroken(points).into_iter().enumerate().map(move |(index, run)| {
                    let run = run.into_iter().map(|(epoch, value)| (f64::from(epoch), value)).collect();
                    (if index == 0 { *name } else { "" }, *colour, run)
                })
            })
            .collect();
        let datasets = runs.iter().map(|(name, colour, run)| {
            let graph = if run.len() == 1 { GraphType::Scatter } else { GraphType::Line };
            let plain = Dataset::default().marker(Marker::Braille).graph_type(graph);
            let plain = plain.style(Style::new().fg(*colour)).data(run);
            if name.is_empty() { plain } else { plain.name(*name) }
        });
        let x = Axis::default().bounds([1.0, last]).labels(["1".to_owned(), format!("{last:.0}")]);
        let y = Axis::default().bounds([low, high]).labels([low, f64::midpoint(low, high), high].map(number));
        let chart = Chart::new(datasets.collect())
            .block(Block::bordered().title(format!(" {title} ")))
            .x_axis(x)
            .y_axis(y)
            .legend_position(Some(corner))
            .hidden_legend_constraints((Constraint::Ratio(1, 2), Constraint::Ratio(1, 2)));
        frame.render_widget(chart, area);
    }

    /// Three lines: what it is and how far it has come; the last epoch's loss and accuracy and the best; rate and speed.
    pub fn head(&self) -> [String; 3] {
        let mut first =
            self.what.as_ref().map_or_else(String::new, |(model, act)| format!("{model}, {act}; "));
        let Some(last) = self.metrics.last() else {
            let stopped = if self.stopped() { format!("; {STOPPED}") } else { String::new() };
            return [first + "no epoch is finished yet" + &stopped, String::new(), String::new()];
        };
        first += &format!("epoch {}", last.epoch);
        if let Some(all) = self.epochs {
            first += &format!(" of {all}");
        }
        if let Some(summary) = &self.summary {
            let Summary { test_accuracy, best_epoch, .. } = summary;
            first +=
                &format!("; finished: test accuracy {:.2} % of epoch {best_epoch}", 100.0 * test_accuracy);
        } else if self.stopped() {
            first += &format!("; {STOPPED}");
        } else if let Some(seconds) = self.seconds_left() {
            first += &format!("; about {} left", duration(seconds));
        }
        if self.unread > 0 {
            first += &format!("; {} lines of metrics.jsonl cannot be read", self.unread);
        }
        let mut second =
            format!("loss {:.4}, accuracy {:.2} %", last.train_loss, 100.0 * last.train_accuracy);
        if let Some(accuracy) = last.val_accuracy {
            second += &format!("; validation {:.2} %", 100.0 * accuracy);
        }
        let best = self.metrics.iter().filter_map(|m| Some((m.val_accuracy?, m.epoch)));
        if let Some((accuracy, epoch)) = best.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))) {
            second += &format!(" (best {:.2} % in epoch {epoch})", 100.0 * accuracy);
        }
        let third = format!("learning rate {:.3e}; {:.0} images/s", last.lr, last.images_per_second);
        [first, second, third]
    }

    /// Whether nobody trains it though it has not ended.
    fn stopped(&self) -> bool {
        self.summary.is_none() && self.training == Some(false)
    }

    /// Seconds until the last epoch by the mean of the latest ones.
    fn seconds_left(&self) -> Option<f64> {
        let recent = &self.metrics[self.metrics.len().saturating_sub(RECENT)..];
        let mean = recent.iter().map(|m| m.seconds).sum::<f64>() / recent.len().max(1) as f64;
        let left = self.epochs?.checked_sub(recent.last()?.epoch)?;
        Some(f64::from(left) * mean).filter(|seconds| seconds.is_finite() && left > 0)
    }
}

/// A curve's name, colour and points.
type Curve<'a, Point> = (&'a str, Color, Vec<Point>);

/// Four letters or so of an axis.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        v if !(1e-2..1e5).contains(&v) => format!("{value:.1e}"),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// 45 s, 12 min, 3 h 20 min, 5 d 4 h.
fn duration(seconds: f64) -> String {
    let whole = seconds.ceil() as u64;
    match whole {
        0..100 => format!("{whole} s"),
        100..6000 => format!("{} min", whole.div_ceil(60)),
        6000..172_800 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// A drawn screen as lines of text, without the space at their ends.
pub fn text(buffer: &Buffer) -> String {
    let row = |cells: &[ratatui::buffer::Cell]| {
        let line: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned()
    };
    let rows = buffer.content.chunks(usize::from(buffer.area.width.max(1)));
    rows.map(row).collect::<Vec<_>>().join("\n")
}
