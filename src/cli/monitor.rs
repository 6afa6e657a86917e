//! `wgrad monitor`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal;
use wgrad::report::{Board, Follower, text};
use wgrad::train::RunFolder;
use wgrad::{Error, Result};

use super::Context;

/// Time between two looks at the folder.
const LOOK: Duration = Duration::from_millis(250);
/// Columns and rows of a frame that is printed where there is no terminal.
const PRINTED: (u16, u16) = (100, 32);

#[derive(clap::Args)]
pub(super) struct MonitorArgs {
    /// Folder of a run, one that trains or one that has ended
    #[arg(value_name = "DIR")]
    run: PathBuf,
    /// Print what there is now, as text, and end; so it does where stdout is no terminal
    #[arg(long)]
    once: bool,
}

pub(super) fn run(context: &Context, args: &MonitorArgs) -> Result<()> {
    let mut follower = Follower::new(&args.run)?;
    follower.board.training = RunFolder::is_training(&args.run);
    let screen = std::io::stdout().is_terminal();
    if args.once || context.output.json || !screen {
        let size = if screen { terminal::size().unwrap_or(PRINTED) } else { PRINTED };
        let printed = printed(&follower.board, size)?;
        return context.output.result(&follower.board.metrics, || printed);
    }
    // Whatever ends the program gives the terminal back first.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(refused)?;
    }
    let mut terminal = ratatui::try_init().map_err(refused)?;
    let watched = watch(&mut terminal, &mut follower, &args.run, &stop);
    ratatui::try_restore().map_err(refused)?;
    watched.map_err(refused)
}

fn refused(error: std::io::Error) -> Error {
    Error::usage(format!("the terminal cannot be drawn on ({error}): use --once"))
}

fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    follower: &mut Follower,
    run: &Path,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        terminal.draw(|frame| follower.board.draw(frame))?;
        if event::poll(LOOK)?
            && let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
        {
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => break,
                KeyCode::Char('c') if control => break,
                _ => {}
            }
        }
        follower.look();
        follower.board.training = RunFolder::is_training(run);
    }
    Ok(())
}

fn printed(board: &Board, (width, height): (u16, u16)) -> Result<String> {
    let drawn = Terminal::new(TestBackend::new(width, height)).and_then(|mut terminal| {
        terminal.draw(|frame| board.draw(frame))?;
        Ok(text(terminal.backend().buffer()))
    });
    drawn.map_err(|error| Error::usage(format!("nothing can be drawn on {width} x {height}: {error}")))
}
