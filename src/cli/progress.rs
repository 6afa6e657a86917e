//! The progress bar of a run, and one line per epoch.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use wgrad::train::{EpochMetrics, Observer, StepReport};

use super::output::Output;

/// Time between two plain lines.
pub(super) const LINES: Duration = Duration::from_secs(30);

/// Watches a run: a bar on a terminal, plain lines elsewhere.
pub struct Progress {
    output: Output,
    bar: Option<ProgressBar>,
    drawn: Instant,
    /// Whether a bar can be seen; lines are printed instead where not.
    terminal: bool,
    began: Option<(Instant, u32)>,
}

impl Progress {
    /// Nothing is drawn before the first step.
    pub fn new(output: Output) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { output, bar: None, drawn: Instant::now(), terminal, began: None }
    }

    /// A plain line every half minute, where there is no terminal.
    fn line(&mut self, report: &StepReport) {
        let (began, first) = *self.began.get_or_insert((Instant::now(), report.step));
        if self.drawn.elapsed() < LINES || report.step == first {
            return;
        }
        self.drawn = Instant::now();
        let each = began.elapsed().as_secs_f64() / f64::from(report.step - first);
        let left = HumanDuration(Duration::from_secs_f64(each * f64::from(report.total_steps - report.step)));
        let (step, all, said) = (report.step, report.total_steps, message(report));
        self.output.note(format!("step {step} of {all}, {said}; {left} left"));
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn bar(&self, report: &StepReport) -> ProgressBar {
        if self.output.quiet {
            return ProgressBar::hidden();
        }
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(Some(u64::from(report.total_steps)), target);
        let template = "{bar:30} {percent:>3} %  {msg}  {elapsed} < {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.with_position(u64::from(report.step)).with_elapsed(Duration::ZERO)
    }
}

/// Epoch, speed, and what is known of the losses.
fn message(report: &StepReport) -> String {
    let mut text = format!("epoch {}, {:.0} images/s", report.epoch, report.images_per_second);
    if let (Some(loss), Some(accuracy)) = (report.loss, report.accuracy) {
        text += &format!(", loss {loss:.3}, accuracy {:.1} %", 100.0 * accuracy);
    }
    text
}

impl Observer for Progress {
    fn step(&mut self, report: &StepReport) {
        if !self.terminal {
            return self.line(report);
        }
        if self.bar.is_none() {
            let bar = self.bar(report);
            bar.reset_eta();
            self.bar = Some(bar);
        }
        let Some(bar) = &self.bar else { return };
        bar.set_position(u64::from(report.step));
        if self.drawn.elapsed() > Duration::from_millis(200) {
            self.drawn = Instant::now();
            bar.set_message(message(report));
        }
    }

    fn epoch(&mut self, m: &EpochMetrics) {
        let validation = match (m.val_loss, m.val_accuracy) {
            (Some(loss), Some(accuracy)) => format!("; validation loss {loss:.4}, {:.2} %", 100.0 * accuracy),
            _ => String::new(),
        };
        let line = format!(
            "epoch {:>3}  lr {:.4}  loss {:.4}, {:.2} %{validation}  ({:.0} images/s, {:.1} s)",
            m.epoch,
            m.lr,
            m.train_loss,
            100.0 * m.train_accuracy,
            m.images_per_second,
            m.seconds
        );
        match &self.bar {
            Some(bar) => bar.suspend(|| self.output.note(line)),
            None => self.output.note(line),
        }
        // A closed stdout shows itself at the summary.
        let _ = self.output.line(m);
    }
}
