//! Ctrl-C and its relatives: the first asks the run to stop after its step, the second ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook::consts::signal::{SIGINT, SIGTERM};
use signal_hook::flag;
use wgrad::{Error, Result};

/// The signal that came; 0 before one does.
static CAME: AtomicUsize = AtomicUsize::new(0);

#[cfg(unix)]
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, signal_hook::consts::signal::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// The exit code of a run that a signal ended: 128 and the signal's number, 130 for Ctrl-C and 143 for SIGTERM.
pub(super) fn exit_code() -> u8 {
    match CAME.load(Ordering::Relaxed) {
        0 => 130,
        signal => 128 + signal as u8,
    }
}

/// A flag that the first signal sets.
pub(super) fn stop_flag() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let refused = |error| Error::usage(format!("cannot watch for signals: {error}"));
    for signal in SIGNALS {
        // In this order: a signal ends the program only where one was there before it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop)).map_err(refused)?;
        flag::register_usize(signal, &CAME, signal as usize).map_err(refused)?;
        flag::register(signal, Arc::clone(&stop)).map_err(refused)?;
    }
    let seen = Arc::clone(&stop);
    // A signal's own handler may not print.
    std::thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        super::output::remark("\nstopping after this step; once more to stop at once");
    });
    Ok(stop)
}
