//! The progress of work that is counted: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Instant;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;
use super::progress::LINES;

/// Counts what is done, from several threads.
pub(super) struct Tally {
    output: Output,
    bar: ProgressBar,
    /// When the last plain line was printed; none where a bar can be seen.
    said: Option<Mutex<Instant>>,
}

impl Tally {
    /// `all` is how many there are.
    pub(super) fn new(output: Output, all: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal && !output.quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(all as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {elapsed} < {eta}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self { output, bar, said: (!terminal).then(|| Mutex::new(Instant::now())) }
    }

    /// One more is done; `name` says which.
    pub(super) fn done(&self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.bar.inc(1);
        let Some(said) = &self.said else { return };
        // Another thread that is printing does it for this one.
        let Ok(mut said) = said.try_lock() else { return };
        if said.elapsed() >= LINES {
            *said = Instant::now();
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
            self.output.note(format!("{done} of {all}, {name}; {} left", HumanDuration(self.bar.eta())));
        }
    }

    /// A remark at once, above the bar.
    pub(super) fn note(&self, text: impl std::fmt::Display) {
        self.bar.suspend(|| self.output.note(text));
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
